"""The scheduler without its broker: real store and handlers, a clock that stands still, a publisher that remembers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, text

from services.scheduler.app import MIGRATIONS
from services.scheduler.domain import Schedule
from services.scheduler.handlers import Handlers
from services.scheduler.periodic import Dispatcher, Sweeper
from services.scheduler.store import Store
from services.scheduler.tables import AWAITING_DISPATCH, outbox, schedules
from services.scheduler.unmet import MOMENT
from shared.database.engine import Database
from shared.events import Event
from shared.events.publisher import AccountConnected, AccountDisconnected
from shared.events.requests import ScheduleBatchRequested, ScheduleCancelRequested, ScheduleRequested
from shared.events.scheduler import PublishRequested
from shared.messaging.broker import Outgoing
from shared.messaging.envelope import Delivery, read_event
from shared.messaging.outbox import Outbox
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import RecordingPublisher
from tests.support.migrated import migrated
from tests.support.schedules import NOON


@dataclass
class Replica:
    """One replica of the scheduler, driven by hand."""

    database: Database
    store: Store
    clock: FakeClock
    publisher: RecordingPublisher
    handlers: Handlers
    dispatcher: Dispatcher
    sweeper: Sweeper

    @classmethod
    @asynccontextmanager
    async def on(cls, url: str, clock: FakeClock | None = None) -> AsyncIterator["Replica"]:
        """A replica on this database, which gets its tables first."""
        clock = clock or FakeClock(NOON)
        database, publisher = Database(url), RecordingPublisher(clock)
        await migrated(url, MIGRATIONS)
        store = Store(database, Outbox(outbox, database, publisher, clock))
        handlers = Handlers(store, clock)
        dispatcher = Dispatcher(store, publisher, clock, handlers.due_soon)
        yield cls(database, store, clock, publisher, handlers, dispatcher, Sweeper(store, clock, handlers.due_soon))
        await database.close()

    async def next_due_at(self) -> datetime | None:
        """The earliest instant at which something is due, or None."""
        earliest = select(func.min(schedules.c.publish_at)).where(text(AWAITING_DISPATCH))
        async with self.database.reading() as connection:
            found: datetime | None = (await connection.execute(earliest)).scalar()
        return found

    async def take(
        self,
        event: Any,
        *,
        message_id: str | None = "",
        correlation_id: str = "c-1",
        put_off_since: datetime | None = None,
        body: bytes | None = None,
    ) -> list[Event]:
        """Handle an event as it comes from a queue, under a new id unless one is given; what is emitted in answer."""
        before = await self.emitted()
        await self.handle(
            event, message_id=message_id, correlation_id=correlation_id, put_off_since=put_off_since, body=body
        )
        return [event for message_id, event in (await self.emitted()).items() if message_id not in before]

    async def handle(
        self,
        event: Any,
        *,
        message_id: str | None = "",
        correlation_id: str = "c-1",
        put_off_since: datetime | None = None,
        body: bytes | None = None,
    ) -> None:
        """Handle an event, whatever is emitted."""
        identity = uuid4().hex if message_id == "" else message_id
        delivery = Delivery(event, identity, correlation_id, put_off_since=put_off_since, body=body or event.body())
        handlers = self.handlers
        chosen: dict[type[Event], Any] = {
            ScheduleRequested: handlers.on_schedule_requested,
            ScheduleBatchRequested: handlers.on_schedule_batch_requested,
            ScheduleCancelRequested: handlers.on_schedule_cancel_requested,
            AccountConnected: handlers.on_account_connected,
            AccountDisconnected: handlers.on_account_disconnected,
        }
        await self._over(asyncio.create_task(chosen.get(type(delivery.event), handlers.on_outcome)(delivery)))

    async def _over(self, handling: "asyncio.Task[None]") -> None:
        """Return when it is handled; the clock moves on where it waits a moment."""
        asleep = asyncio.create_task(self.clock.until_asleep(self.clock.sleepers + 1))
        await asyncio.wait((handling, asleep), return_when=asyncio.FIRST_COMPLETED)
        if not handling.done():
            self.clock.advance(MOMENT)
        asleep.cancel()
        await handling

    async def emitted(self) -> dict[str, Event]:
        """What has been emitted so far, by message id."""
        async with self.database.reading() as connection:
            rows = await connection.execute(select(outbox.c.message_id, outbox.c.type, outbox.c.body))
            return {row.message_id: _without_request_id(read_event(row.type, row.body.encode())) for row in rows}

    async def schedule(self, post_id: str = "post-1", account_id: str = "acct-1") -> Schedule:
        """The schedule as it stands."""
        async with self.store.unit() as unit:
            return (await unit.schedules([(post_id, account_id)]))[post_id, account_id]

    async def dispatched(self) -> list[PublishRequested]:
        """Dispatch what is due; the requests that went out."""
        before = len(self.publisher.published)
        await self.dispatcher.dispatch_due()
        return [_request(one) for one in self.publisher.published[before:]]

    async def reach(self, instant: Any) -> None:
        """Move the clock on to an instant."""
        self.clock.advance(max(instant - self.clock.now(), timedelta(0)))


def _without_request_id(event: Event) -> Event:
    """Deliveries have random ids here."""
    return event.model_copy(update={"request_id": None}) if "request_id" in type(event).model_fields else event


def _request(outgoing: Outgoing) -> PublishRequested:
    event = read_event(outgoing.envelope.type, outgoing.envelope.body)
    assert isinstance(event, PublishRequested)
    return event
