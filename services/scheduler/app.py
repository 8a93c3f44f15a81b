"""The map of the scheduler: what it consumes, what it runs, and how it is put together."""

import asyncio
from pathlib import Path

from services.scheduler import retention
from services.scheduler.handlers import Handlers
from services.scheduler.periodic import Dispatcher, Sweeper
from services.scheduler.settings import Settings
from services.scheduler.store import Store
from services.scheduler.tables import outbox
from services.scheduler.telling import Kept
from services.scheduler.timers.store import TimerStore
from services.scheduler.timers.ticking import Ticker
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.database.purging import Purge
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.publisher import (
    AccountConnected,
    AccountDisconnected,
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.rebuilding import ConsoleRebuildRequested
from shared.events.requests import (
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
    TimerTriggerRequested,
)
from shared.jobs.retention import Retention, queue_of
from shared.messaging.broker import Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters.attending import attended
from shared.messaging.outbox import Outbox
from shared.messaging.telling import Telling
from shared.messaging.telling import queue_of as telling_queue
from shared.messaging.topology import Queue, Topology
from shared.process.service import Service, rabbit_broker

NAME = "scheduler"
MIGRATIONS = Path(__file__).parent / "migrations"

REQUESTS = Queue(NAME, "scheduler.requests", ("schedule.requested", "schedule.cancel_requested"))
TIMERS = Queue(NAME, "scheduler.timers", ("timer.trigger_requested",))
BATCHES = Queue(NAME, "scheduler.batches", ("schedule.batch_requested",))
OUTCOMES = Queue(
    NAME,
    "scheduler.outcomes",
    (
        "publish.succeeded",
        "publish.failed",
        "publish.unknown",
        "publish.skipped",
        "publish.held",
        "publish.retrying",
        "account.connected",
        "account.disconnected",
    ),
)
RETENTION = queue_of(NAME)
TELLING = telling_queue(NAME)


def build(settings: Settings) -> Service:
    """Put the scheduler together."""
    clock = SystemClock()
    database = Database(settings.database(settings.database_url, NAME))
    publisher = Publisher(settings.broker_url, app_id=NAME, clock=clock)
    relay = Outbox(outbox, database, publisher, clock)
    store = Store(database, relay)
    handlers = Handlers(store, clock, settings.crowded_minute)
    dispatcher = Dispatcher(store, publisher, clock, handlers.due_soon, settings.delay)
    broker = rabbit_broker(settings.broker_url, NAME)
    consumer, stopping = Consumer(NAME, broker, publisher, clock), asyncio.Event()
    ticker = Ticker(TimerStore(database, relay), clock, settings.timers)
    subscribe(consumer, handlers, ticker)
    old = Retention(NAME, Purge(database, clock, stopping), retention.RULES, publisher)
    telling = Telling(NAME, Kept(NAME, database, ticker.tell).parts, publisher, stopping)
    consumer.subscribe(TELLING, {ConsoleRebuildRequested: telling.on_console_rebuild_requested}, prefetch=1)
    consumer.subscribe(RETENTION, {RetentionPurgeRequested: old.on_retention_purge_requested}, prefetch=1)
    return Service(
        name=NAME,
        database=database,
        publisher=publisher,
        broker=broker,
        topology=attended(
            consumer, Topology(NAME, (REQUESTS, BATCHES, OUTCOMES, TIMERS, RETENTION, TELLING), delay=settings.delay)
        ),
        outbox=relay,
        loops=(dispatcher.run, Sweeper(store, clock, handlers.due_soon).run, ticker.run, ticker.tell_for_ever),
        http=(settings.http_host, settings.http_port),
        stopping=stopping,
    )


def subscribe(consumer: Consumer, handlers: Handlers, ticker: Ticker) -> None:
    """Every event the scheduler takes."""
    consumer.subscribe(
        REQUESTS,
        {
            ScheduleRequested: handlers.on_schedule_requested,
            ScheduleCancelRequested: handlers.on_schedule_cancel_requested,
        },
        prefetch=2000,
        on_unreadable=handlers.on_unreadable,
    )
    consumer.subscribe(
        BATCHES,
        {ScheduleBatchRequested: handlers.on_schedule_batch_requested},
        prefetch=8,
        on_unreadable=handlers.on_unreadable,
    )
    consumer.subscribe(
        OUTCOMES,
        {
            PublishSucceeded: handlers.on_outcome,
            PublishFailed: handlers.on_outcome,
            PublishUnknown: handlers.on_outcome,
            PublishSkipped: handlers.on_outcome,
            PublishHeld: handlers.on_outcome,
            PublishRetrying: handlers.on_outcome,
            AccountConnected: handlers.on_account_connected,
            AccountDisconnected: handlers.on_account_disconnected,
        },
        prefetch=2000,
    )
    consumer.subscribe(TIMERS, {TimerTriggerRequested: ticker.on_timer_trigger_requested}, prefetch=10)
