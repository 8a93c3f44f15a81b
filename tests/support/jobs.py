"""A service that has jobs, without its broker: a real table of runs, a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import MetaData, select

from shared.database.engine import Database
from shared.events import Event
from shared.events.scheduler import TimerFired
from shared.jobs import Jobs, job_runs_table
from shared.messaging.envelope import Delivery, read_event
from shared.messaging.outbox import Outbox
from shared.messaging.outbox_rows import outbox_table
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import RecordingPublisher

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=3)

metadata = MetaData()
runs_table = job_runs_table(metadata)
outbox = outbox_table(metadata)


def tick(at: datetime = NOON, **changes: Any) -> Delivery[TimerFired]:
    """A timer has fired."""
    usual = {"timer": "monitor.check", "tick_at": at, "fired_at": at, "manual": False, "missed": 0}
    event = TimerFired(**{**usual, "next_at": at + 5 * MINUTE, **changes})
    return Delivery(event, f"m-{at.isoformat()}", "c-1")


@dataclass
class Work:
    """Work that goes on until it is allowed to end; `begun` and `stopped` tell of it."""

    times: int = 0
    at_once: int = 0
    most_at_once: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    fails_with: Exception | None = None

    async def __call__(self) -> None:
        self.times += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        finally:
            self.at_once -= 1
        if self.fails_with:
            raise self.fails_with


def done_at_once(**changes: Any) -> Work:
    """Work that ends as soon as it has begun."""
    work = Work(**changes)
    work.may_end.set()
    return work


@dataclass
class Worker:
    """One replica of the service."""

    database: Database
    clock: FakeClock
    jobs: Jobs

    @classmethod
    @asynccontextmanager
    async def on(cls, url: str, clock: FakeClock, *, lease: timedelta = LEASE) -> AsyncIterator["Worker"]:
        """A replica on this database, which gets its tables first."""
        database = Database(url)
        async with database.transaction() as connection:
            await connection.run_sync(metadata.create_all)
        relay = Outbox(outbox, database, RecordingPublisher(clock), clock)
        yield cls(
            database, clock, Jobs("monitor", database, runs_table, relay, clock, lease, released_after=timedelta(0))
        )
        await database.close()

    async def told(self) -> list[Event]:
        """The events in the outbox, in the order they were written."""
        async with self.database.reading() as connection:
            rows = (await connection.execute(select(outbox.c.type, outbox.c.body))).all()
        return [read_event(row.type, row.body.encode()) for row in rows]

    async def told_types(self) -> list[str]:
        """The types of the events told, sorted."""
        return sorted(event.type for event in await self.told())

    async def states(self) -> dict[datetime, str]:
        """The rows by their ticks."""
        async with self.database.reading() as connection:
            rows = (await connection.execute(select(runs_table.c.tick_at, runs_table.c.state))).all()
        return {row.tick_at: row.state for row in rows}
