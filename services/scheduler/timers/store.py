"""Every query of timers. Whatever fires is written together with its event."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduler.tables import inbox, timer_ticks, timers
from services.scheduler.timers.timer import LONGEST_STEP_BACK, Standing, Timer
from shared.database import bulk
from shared.database.engine import Database
from shared.events import Event
from shared.events.scheduler import TimerConfigured, TimerFired
from shared.messaging.inbox import Inbox
from shared.messaging.outbox import Outbox
from shared.messaging.unit_of_work import UnitOfWork, unit_of_work

KEPT_TICKS = 100
"""How many ticks of each timer are remembered, as its history."""
_MOMENT = timedelta.resolution


class TimerStore:
    """The timers in the scheduler's database."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self.outbox = outbox
        self._inbox = Inbox(inbox, database)
        is_changed = "timers.cron <> excluded.cron OR timers.zone <> excluded.zone"
        self._set = bulk.upsert(timers, database.dialect, guard=is_changed)
        self._add_tick = bulk.insert_missing(timer_ticks, database.dialect)

    async def standings(self) -> list[Standing]:
        """Every timer as it stands."""
        return list(map(_standing, await self._database.rows(select(timers).order_by(timers.c.name))))

    async def configure(self, wanted: Sequence[Timer], now: datetime) -> list[str]:
        """Have these timers and no others; the names of those that are gone, which is told.

        One that is new, or ticks by another expression, counts from now.
        """
        rows = [
            {"name": one.name, "cron": one.cron, "zone": one.zone, "counted_to": now, "last_tick_at": None}
            for one in sorted(wanted, key=lambda one: one.name)
        ]
        names = [row["name"] for row in rows]
        async with self._unit() as unit:
            if rows:
                await unit.connection.execute(self._set, bulk.encode(rows))
            others = delete(timers).where(timers.c.name.not_in(names)).returning(timers.c.name)
            gone = sorted((await unit.connection.execute(others)).scalars())
            await unit.tell(*(TimerConfigured(timer=name, configured_at=now) for name in gone))
        return gone

    async def fire(self, standing: Standing, event: TimerFired) -> bool:
        """Fire a tick, unless another replica has dealt with it or the timer has changed meanwhile."""
        async with self._unit() as unit:
            counted = {"counted_to": event.tick_at, "last_tick_at": event.tick_at}
            is_ours = await _change(unit.connection, standing, counted) and await self._is_new(unit.connection, event)
            if is_ours:
                await _forget(unit.connection, event.timer)
                await unit.tell(event)
        return is_ours

    async def fire_by_hand(self, event: TimerFired, *, inbox_id: str | None, correlation_id: str) -> None:
        """Fire a timer because somebody asked; the same request again changes nothing."""
        async with self._unit() as unit:
            if inbox_id and not await self._inbox.remember(unit.connection, [inbox_id], event.fired_at):
                return
            while not await self._is_new(unit.connection, event):
                event = event.model_copy(update={"tick_at": event.tick_at + _MOMENT})
            await _forget(unit.connection, event.timer)
            await unit.tell(event, correlation_id=correlation_id)

    async def count_from(self, standing: Standing, now: datetime) -> None:
        """Forget up to when ticks have been dealt with, and those that fired then: the clock was wrong."""
        wrong = timer_ticks.c.fired_at > now + LONGEST_STEP_BACK
        async with self._database.transaction() as connection:
            if await _change(connection, standing, {"counted_to": now}):
                await connection.execute(delete(timer_ticks).where(timer_ticks.c.timer == standing.timer.name, wrong))

    async def tell(self, events: Iterable[Event]) -> None:
        """Emit what nothing in the database depends on."""
        async with self._unit() as unit:
            await unit.tell(*events)

    def _unit(self) -> AbstractAsyncContextManager[UnitOfWork["TimerStore"]]:
        return unit_of_work(lambda connection: UnitOfWork(self, connection), self._database, self.outbox)

    async def _is_new(self, connection: AsyncConnection, event: TimerFired) -> bool:
        """Take the tick's row; False where it has been taken."""
        row = event.model_dump(include={"timer", "tick_at", "fired_at", "manual", "missed"})
        return bool((await connection.execute(self._add_tick, bulk.encode([row]))).all())


def _standing(row: RowMapping) -> Standing:
    return Standing(Timer(row["name"], row["cron"], row["zone"]), row["counted_to"], row["last_tick_at"])


async def _change(connection: AsyncConnection, standing: Standing, changes: dict[str, Any]) -> bool:
    """Change a timer that still stands as it was read."""
    timer = standing.timer
    is_the_same = (timers.c.name == timer.name, timers.c.cron == timer.cron, timers.c.zone == timer.zone)
    as_read = update(timers).where(*is_the_same, timers.c.counted_to == standing.counted_to)
    return (await connection.execute(as_read.values(**changes))).rowcount > 0


async def _forget(connection: AsyncConnection, timer: str) -> None:
    """Remove all but the latest ticks of a timer."""
    of_timer = select(timer_ticks.c.tick_at).where(timer_ticks.c.timer == timer)
    oldest_kept = of_timer.order_by(timer_ticks.c.tick_at.desc()).limit(1).offset(KEPT_TICKS - 1).scalar_subquery()
    await connection.execute(
        delete(timer_ticks).where(timer_ticks.c.timer == timer, timer_ticks.c.tick_at < oldest_kept)
    )
