"""Timers without a broker: a real store, a clock that stands still, and what has fired."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import func, select

from services.scheduler.app import MIGRATIONS
from services.scheduler.tables import outbox, timer_ticks
from services.scheduler.timers.store import TimerStore
from services.scheduler.timers.ticking import Ticker
from services.scheduler.timers.timer import Timer
from shared.database.engine import Database
from shared.events import Event
from shared.events.requests import TimerTriggerRequested
from shared.events.scheduler import TimerConfigured, TimerFired
from shared.messaging.envelope import Delivery, read_event
from shared.messaging.outbox import Outbox
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import RecordingPublisher
from tests.support.migrated import migrated

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
CHECK = Timer("monitor.check", "*/5 * * * *")
DAILY = Timer("analytics.aggregate", "0 0 * * *")

EventT = TypeVar("EventT", bound=Event)


@dataclass
class Clockwork:
    """One replica's timers, wound up by hand."""

    database: Database
    clock: FakeClock
    store: TimerStore
    ticker: Ticker

    @classmethod
    @asynccontextmanager
    async def on(
        cls, url: str, clock: FakeClock | None = None, timers: Sequence[Timer] = (CHECK, DAILY)
    ) -> AsyncIterator["Clockwork"]:
        """Timers on this database, which gets its tables first, and then the timers."""
        clock, database = clock or FakeClock(NOON), Database(url)
        await migrated(url, MIGRATIONS)
        store = TimerStore(database, Outbox(outbox, database, RecordingPublisher(clock), clock))
        clockwork = cls(database, clock, store, Ticker(store, clock, timers))
        await clockwork.ticker.configure()
        yield clockwork
        await database.close()

    async def trigger(self, timer: str, *, message_id: str | None = None, correlation_id: str = "c-1") -> None:
        """Ask for a timer by hand, under a new id unless one is given."""
        request = TimerTriggerRequested(timer=timer)
        delivery = Delivery(request, message_id or uuid4().hex, correlation_id)
        await self.ticker.on_timer_trigger_requested(delivery)

    async def fired(self) -> list[TimerFired]:
        """What has fired so far, by tick and name."""
        return sorted(await self._told(TimerFired), key=lambda event: (event.tick_at, event.timer))

    async def ticks(self, timer: str = CHECK.name) -> list[datetime]:
        """The ticks of a timer that have fired."""
        return [event.tick_at for event in await self.fired() if event.timer == timer]

    async def configured(self) -> list[TimerConfigured]:
        """What was told of the timers there are."""
        return await self._told(TimerConfigured)

    async def remembered(self) -> int:
        """How many ticks the database still has."""
        async with self.database.reading() as connection:
            return (await connection.execute(select(func.count()).select_from(timer_ticks))).scalar_one()

    async def _told(self, event_class: type[EventT]) -> list[EventT]:
        async with self.database.reading() as connection:
            rows = (await connection.execute(select(outbox.c.type, outbox.c.body))).all()
        events = (read_event(row.type, row.body.encode()) for row in rows)
        return [event for event in events if isinstance(event, event_class)]
