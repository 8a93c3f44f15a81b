"""What every service stands on: its clock, its database, its connections to the broker, its outbox, its upkeep."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Table

from shared.clocks.clock import Clock, SystemClock
from shared.database.engine import Database
from shared.database.purging import Purge, Rule
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.rebuilding import ConsoleRebuildRequested
from shared.jobs.retention import Retention
from shared.jobs.retention import queue_of as retention_queue
from shared.messaging.broker import Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters.attending import attended
from shared.messaging.delay import DelayKind
from shared.messaging.outbox import Outbox
from shared.messaging.rebuild_answers import Parts, RebuildAnswers
from shared.messaging.rebuild_answers import queue_of as rebuild_queue
from shared.messaging.settlement import Handler
from shared.messaging.standby import Standby
from shared.messaging.topology import Topology, tiers_of
from shared.process.service import Service, rabbit_broker
from shared.process.settings import ServiceSettings


@dataclass(frozen=True)
class Base:
    """A service's `app.py` makes one, subscribes its handlers to `consumer`, and asks it for the `service`."""

    name: str
    http: tuple[str, int]
    stopping: asyncio.Event
    clock: Clock
    database: Database
    tables: Sequence[str]
    publisher: Publisher
    outbox: Outbox
    consumer: Consumer

    @classmethod
    def of(cls, name: str, settings: ServiceSettings, outbox: Table) -> Self:
        """The base as the settings have it; nothing is connected yet."""
        clock, database = SystemClock(), Database(settings.database(name))
        publisher = Publisher(settings.broker_url, app_id=name, clock=clock)
        broker, standby = rabbit_broker(settings.broker_url, name), Standby(database.try_writing)
        return cls(
            name=name,
            http=settings.http_address,
            stopping=asyncio.Event(),
            clock=clock,
            database=database,
            tables=tuple(outbox.metadata.tables),
            publisher=publisher,
            outbox=Outbox(outbox, database, publisher, clock),
            consumer=Consumer(name, broker, publisher, clock, standby),
        )

    def retention(self, rules: Sequence[Rule]) -> Retention:
        """Deletes old rows by these rules."""
        return Retention(self.name, Purge(self.database, self.clock, self.stopping), rules, self.publisher)

    def take_purges(self, handler: Handler) -> None:
        """Have `retention.purge_requested` handled."""
        self.consumer.subscribe(retention_queue(self.name), {RetentionPurgeRequested: handler}, prefetch=1)

    def answer_rebuilds(self, parts: Callable[[], Parts]) -> None:
        """Answer `console.rebuild_requested` with these parts of what the service keeps."""
        answers = RebuildAnswers(self.name, parts, self.publisher, self.stopping)
        queue = rebuild_queue(self.name)
        self.consumer.subscribe(queue, {ConsoleRebuildRequested: answers.on_console_rebuild_requested}, prefetch=1)

    def service(
        self,
        *,
        delay: DelayKind | None = None,
        on_missing: Mapping[str, Callable[[], None]] | None = None,
        every_service: Collection[str] = (),
    ) -> Service:
        """The service, with the queues that it has subscribed to and its dead letters attended to."""
        queues = tuple(self.consumer.queues.values())
        tiers = tiers_of(self.name)
        topology = Topology(self.name, queues, retry_tiers=tiers, delay=delay, on_missing=on_missing or {})
        return Service(
            name=self.name,
            database=self.database,
            clock=self.clock,
            tables=self.tables,
            publisher=self.publisher,
            broker=self.consumer.broker,
            topology=attended(self.consumer, topology, every_service),
            outbox=self.outbox,
            http=self.http,
            stopping=self.stopping,
            is_idle=lambda: not self.consumer.at_work,
            standby=self.consumer.standby,
        )
