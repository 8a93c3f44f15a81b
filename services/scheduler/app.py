"""The map of the scheduler: what it consumes, what it runs, and how it is put together."""

from dataclasses import replace
from pathlib import Path

from services.scheduler import retention
from services.scheduler.handlers import Handlers
from services.scheduler.overdue import overdue_posts
from services.scheduler.own_state import OwnState
from services.scheduler.periodic import Dispatcher, Sweeper
from services.scheduler.settings import Settings
from services.scheduler.store import Store
from services.scheduler.tables import outbox
from services.scheduler.timers.store import TimerStore
from services.scheduler.timers.ticking import Ticker
from services.scheduler.wheel_watch import WheelWatch
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
from shared.events.requests import (
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
    TimerTriggerRequested,
)
from shared.messaging.consumer import Consumer
from shared.messaging.topology import Queue
from shared.process.base import Base
from shared.process.service import Service

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


def build(settings: Settings) -> Service:
    """Put the scheduler together."""
    base = Base.of(NAME, settings, outbox)
    clock, store = base.clock, Store(base.database, base.outbox)
    handlers = Handlers(store, clock, settings.crowded_minute)
    sweeper = Sweeper(store, clock, handlers.due_soon)
    watch = WheelWatch(store, base.publisher, clock, sweeper)
    dispatcher = Dispatcher(store, base.publisher, clock, handlers.due_soon, settings.delay, note_sent=watch.note)
    ticker = Ticker(TimerStore(base.database, base.outbox), clock, settings.timers)
    subscribe(base.consumer, handlers, ticker)
    base.take_purges(base.retention(retention.RULES).on_retention_purge_requested)
    base.answer_rebuilds(OwnState(NAME, base.database, ticker.tell).parts)
    return replace(
        base.service(delay=settings.delay),
        loops=(dispatcher.run, sweeper.run, watch.run, watch.watch_clock, ticker.run, ticker.tell_for_ever),
        checks={"wheel": watch.problem},
        overdue=overdue_posts(base.database, clock),
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
