"""The map of maintenance: what it consumes, what it runs, and how it is put together."""

import asyncio
from datetime import timedelta
from pathlib import Path

from services.maintenance import retention
from services.maintenance.broker_alert import BrokerAlert
from services.maintenance.decisions import Decisions
from services.maintenance.handlers import Handlers
from services.maintenance.job_history import JobHistory
from services.maintenance.notifying import Notifying
from services.maintenance.outcomes import Outcomes
from services.maintenance.periodic import Timers, Watch
from services.maintenance.settings import Settings
from services.maintenance.store import Store
from services.maintenance.tables import job_runs, outbox
from shared.clocks.clock import Clock, SystemClock
from shared.database.engine import Database
from shared.database.purging import Purge
from shared.events.maintenance import (
    AlertRaised,
    JobFailed,
    JobReleased,
    JobSkipped,
    JobStarted,
    JobSucceeded,
    RetentionPurgeRequested,
    ServiceReported,
)
from shared.events.publisher import (
    AccountConnected,
    AccountDisconnected,
    AccountRefreshed,
    AccountRefreshFailed,
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.scheduler import ScheduleCancelled, ScheduleSuperseded, TimerFired
from shared.jobs import Jobs
from shared.jobs.retention import Retention, queue_of
from shared.messaging.broker import Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters.attending import attended
from shared.messaging.outbox import Outbox
from shared.messaging.topology import RETRY_TIERS, Queue, Topology
from shared.outbound.targets import Targets
from shared.process.service import Service, rabbit_broker

NAME = "maintenance"
MIGRATIONS = Path(__file__).parent / "migrations"

TIMERS = Queue(NAME, "maintenance.timers", ("timer.fired",))
OUTCOMES = Queue(
    NAME,
    "maintenance.outcomes",
    (
        "publish.succeeded",
        "publish.failed",
        "publish.unknown",
        "publish.held",
        "publish.retrying",
        "publish.skipped",
        "schedule.cancelled",
        "schedule.superseded",
    ),
)
NEWS = Queue(
    NAME,
    "maintenance.news",
    (
        "account.connected",
        "account.refreshed",
        "account.refresh_failed",
        "account.disconnected",
        "job.started",
        "job.succeeded",
        "job.failed",
        "job.released",
        "job.skipped",
        "service.reported",
    ),
)
NOTIFICATIONS = Queue(NAME, "maintenance.notifications", ("alert.raised",))
RETENTION = queue_of(NAME)


def build(settings: Settings) -> Service:
    """Put maintenance together."""
    clock, stopping = SystemClock(), asyncio.Event()
    database = Database(settings.database(settings.database_url, NAME))
    publisher = Publisher(settings.broker_url, app_id=NAME, clock=clock)
    relay = Outbox(outbox, database, publisher, clock)
    store, outcomes, job_history = Store(database, relay), Outcomes(database), JobHistory(database)
    decisions = Decisions(database)
    jobs = Jobs(NAME, database, job_runs, relay, clock, stopping=stopping)
    timers = timers_of(settings, jobs, store, outcomes, clock)
    broker = rabbit_broker(settings.broker_url, NAME)
    consumer = Consumer(NAME, broker, publisher, clock)
    subscribe(consumer, Handlers(store, outcomes, job_history, decisions, clock))
    consumer.subscribe(TIMERS, {TimerFired: timers.on_timer_fired}, prefetch=10)
    targets = Targets(allow_private_addresses=settings.allow_private_addresses)
    notifying = Notifying(store, targets, settings.targets, clock)
    alert = BrokerAlert(notifying, clock)
    watch = Watch(
        store, outcomes, job_history, decisions, publisher.queue_figures, alert, clock, settings.lateness_alert_ms
    )
    consumer.subscribe(NOTIFICATIONS, {AlertRaised: notifying.on_alert_raised}, prefetch=5)
    old = Retention(NAME, Purge(database, clock, stopping), retention.RULES, publisher)
    consumer.subscribe(RETENTION, {RetentionPurgeRequested: old.on_retention_purge_requested}, prefetch=1)
    return Service(
        name=NAME,
        database=database,
        publisher=publisher,
        broker=broker,
        topology=attended(
            consumer, Topology(NAME, (TIMERS, OUTCOMES, NEWS, NOTIFICATIONS, RETENTION), retry_tiers=RETRY_TIERS)
        ),
        outbox=relay,
        loops=(watch.run,),
        closing=(targets.close,),
        http=(settings.http_host, settings.http_port),
        stopping=stopping,
    )


def timers_of(settings: Settings, jobs: Jobs, store: Store, outcomes: Outcomes, clock: Clock) -> Timers:
    """What is done by the clock, as the settings have it."""
    return Timers(
        jobs=jobs,
        store=store,
        outcomes=outcomes,
        clock=clock,
        zone=settings.zone,
        retention=timedelta(days=settings.retention_days),
        keep_succeeded=settings.keep_succeeded,
        keep_failed=settings.keep_failed,
    )


def subscribe(consumer: Consumer, handlers: Handlers) -> None:
    """Every event from which maintenance learns."""
    consumer.subscribe(
        OUTCOMES,
        {
            PublishSucceeded: handlers.on_outcome,
            PublishFailed: handlers.on_outcome,
            PublishUnknown: handlers.on_outcome,
            PublishHeld: handlers.on_progress,
            PublishRetrying: handlers.on_progress,
            PublishSkipped: handlers.on_progress,
            ScheduleCancelled: handlers.on_progress,
            ScheduleSuperseded: handlers.on_progress,
        },
        prefetch=2000,
    )
    consumer.subscribe(
        NEWS,
        {
            AccountConnected: handlers.on_account_fact,
            AccountRefreshed: handlers.on_account_fact,
            AccountRefreshFailed: handlers.on_account_fact,
            AccountDisconnected: handlers.on_account_fact,
            JobStarted: handlers.on_job_started,
            JobSucceeded: handlers.on_job_ended,
            JobFailed: handlers.on_job_ended,
            JobReleased: handlers.on_job_released,
            JobSkipped: handlers.on_job_skipped,
            ServiceReported: handlers.on_service_reported,
        },
        prefetch=50,
    )
