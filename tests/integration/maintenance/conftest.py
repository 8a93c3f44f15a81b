"""Maintenance without its broker: a migrated database, a clock that stands still, queues as a test says they are."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from services.maintenance.app import MIGRATIONS
from services.maintenance.broker_alert import BrokerAlert
from services.maintenance.decisions import Decisions
from services.maintenance.handlers import Handlers
from services.maintenance.job_history import JobHistory
from services.maintenance.notifying import Notifying
from services.maintenance.outcomes import Outcomes
from services.maintenance.periodic import Timers
from services.maintenance.store import Store
from services.maintenance.tables import job_runs, outbox
from services.maintenance.watch import Watch
from shared.database.engine import Database
from shared.events import Event
from shared.events.maintenance import ServiceReported
from shared.events.scheduler import TimerFired
from shared.jobs import Jobs
from shared.messaging.broker import QueueFigures
from shared.messaging.envelope import Delivery, read_event
from shared.messaging.outbox import Outbox
from shared.outbound.targets import Message, Outcome, Refused, Sent
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import RecordingPublisher
from tests.support.migrated import migrated

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


TARGET = "json://people/"


@dataclass
class FakeTargets:
    """Takes messages unless it is down."""

    is_down: bool = False
    titles: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    async def tell(self, url: str, message: Message) -> Outcome:
        """Take a message for the target."""
        if self.is_down:
            return Refused("the target answered 503")
        self.titles.append(message.title)
        self.bodies.append(message.body)
        return Sent()


@dataclass
class Replica:
    """One replica of maintenance, driven by hand."""

    database: Database
    clock: FakeClock
    queues: dict[str, QueueFigures] = field(default_factory=dict)
    zone: str = "UTC"
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    database_clock: FakeClock | None = None

    def __post_init__(self) -> None:
        relay = Outbox(outbox, self.database, RecordingPublisher(self.clock), self.clock)
        self.store, self.outcomes = Store(self.database, relay), Outcomes(self.database)
        self.job_history, self.decisions = JobHistory(self.database), Decisions(self.database)
        self.handlers = Handlers(self.store, self.outcomes, self.job_history, self.decisions, self.clock)
        self.targets = FakeTargets()
        notifying = Notifying(self.store, self.targets, [TARGET], self.clock, self.now)
        self.broker_alert = BrokerAlert(notifying, self.clock)
        self.watch = Watch(
            self.store,
            self.outcomes,
            self.job_history,
            self.decisions,
            self.figures,
            self.try_publishing,
            self.broker_alert,
            self.now,
            lateness_ms=2000,
            failing_posts=3,
        )
        self.timers = Timers(
            jobs=Jobs("maintenance", self.database, job_runs, relay, self.clock),
            store=self.store,
            outcomes=self.outcomes,
            clock=self.clock,
            zone=ZoneInfo(self.zone),
            retention=timedelta(days=7),
            keep_succeeded=10,
            keep_failed=20,
        )

    async def now(self) -> datetime:
        """The time of the database, which is this one's own unless its clock is wrong."""
        return (self.database_clock or self.clock).now()

    async def try_publishing(self) -> None:
        """The broker takes messages."""

    async def figures(self, queue: str) -> QueueFigures | None:
        return self.queues.get(queue)

    async def fire(self, timer: str) -> None:
        """A tick of this timer, now."""
        now = self.clock.now()
        tick = TimerFired(timer=timer, tick_at=now, fired_at=now, manual=False, missed=0)
        await self.timers.on_timer_fired(delivery(tick))

    async def look(self, after: timedelta = timedelta(seconds=30)) -> list[Any]:
        """Look at everything a while later; the alerts that are told."""
        self.clock.advance(after)
        before = len(await self.told("alert.raised"))
        await self.watch.look()
        return (await self.told("alert.raised"))[before:]

    async def report(self, service: str = "publisher", **said: Any) -> None:
        """A process of a service tells how it is."""
        told = {"service": service, "instance": f"{service}-1"} | said
        await self.handlers.on_service_reported(delivery(ServiceReported.model_validate(told, strict=False)))

    async def told(self, type_: str) -> list[Any]:
        """What has been emitted of this type, in order."""
        async with self.database.reading() as connection:
            found = select(outbox.c.type, outbox.c.body).where(outbox.c.type == type_)
            rows = await connection.execute(found.order_by(outbox.c.created_at, outbox.c.message_id))
            return [read_event(row.type, row.body.encode()) for row in rows]


def delivery(event: Event, *, sent_at: datetime | None = None) -> Delivery[Any]:
    """An event as it arrives."""
    return Delivery(event, f"m-{id(event)}", "correlation", sent_at=sent_at)


@pytest.fixture
async def replica(database_url: str) -> AsyncIterator[Replica]:
    """One replica, once on SQLite and once on PostgreSQL."""
    await migrated(database_url, MIGRATIONS)
    database = Database(database_url)
    yield Replica(database, FakeClock(NOW))
    await database.close()
