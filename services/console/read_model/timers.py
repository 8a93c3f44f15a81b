"""Timers in the read model: as the scheduler told of them last, and when each fired last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services.console.tables.core import firings, timers
from shared.database import bulk
from shared.database.engine import Database
from shared.events.scheduler import TimerConfigured, TimerFired


@dataclass(frozen=True, slots=True)
class KnownTimer:
    """A timer, its next tick and its last."""

    name: str
    cron: str | None
    zone: str | None
    next_at: datetime | None
    last_tick_at: datetime | None
    last_was_manual: bool | None
    last_missed: int | None


class Timers:
    """What the console knows of timers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.dialect
        self._configure = bulk.upsert(timers, dialect, guard="timers.configured_at <= excluded.configured_at")
        self._fire = bulk.upsert(firings, dialect, guard="firings.fired_at <= excluded.fired_at")

    async def configured(self, event: TimerConfigured) -> None:
        """Learn how a timer ticks; older news changes nothing."""
        row = {"name": event.timer, **event.model_dump(exclude={"timer"})}
        await self._database.write(self._configure, bulk.encode([row]))

    async def fired(self, event: TimerFired) -> None:
        """Learn that a timer fired; older news changes nothing."""
        row = event.model_dump(exclude={"cron", "zone"})
        await self._database.write(self._fire, bulk.encode([row]))

    async def known(self) -> Sequence[KnownTimer]:
        """Every timer there is."""
        last = (
            firings.c.fired_at,
            firings.c.tick_at.label("fired_tick_at"),
            firings.c.manual,
            firings.c.missed,
            firings.c.next_at.label("then_next_at"),
        )
        joined = select(timers, *last).outerjoin(firings, firings.c.timer == timers.c.name)
        async with self._database.reading() as connection:
            rows = await connection.execute(joined.where(timers.c.cron.is_not(None)).order_by(timers.c.name))
        return [
            KnownTimer(
                name=row.name,
                cron=row.cron,
                zone=row.zone,
                next_at=row.then_next_at if row.fired_at and row.fired_at > row.configured_at else row.next_at,
                last_tick_at=row.fired_tick_at or row.last_tick_at,
                last_was_manual=row.manual,
                last_missed=row.missed,
            )
            for row in rows
        ]
