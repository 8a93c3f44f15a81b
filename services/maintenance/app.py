"""The map of maintenance: what it consumes, what it runs, and how it is put together."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from services.maintenance import retention
from services.maintenance.broker_alert import BrokerAlert
from services.maintenance.decisions import Decisions
from services.maintenance.handlers import Handlers
from services.maintenance.job_history import JobHistory
from services.maintenance.notifying import Notifying
from services.maintenance.outcomes import Outcomes
from services.maintenance.own_state import OwnState
from services.maintenance.periodic import Timers
from services.maintenance.settings import Settings
from services.maintenance.store import Store
from services.maintenance.tables import job_runs, outbox
from services.maintenance.watch import Watch
from shared.clocks.clock import Clock
from shared.database.clock_check import database_now
from shared.events.maintenance import (
    AlertRaised,
    JobFailed,
    JobReleased,
    JobSkipped,
    JobStarted,
    JobSucceeded,
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
from shared.messaging.consumer import Consumer
from shared.messaging.topology import Queue
from shared.outbound.targets import Targets
from shared.process.base import Base
from shared.process.service import Service

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


def build(settings: Settings) -> Service:
    """Put maintenance together."""
    base = Base.of(NAME, settings, outbox)
    clock, consumer, store = base.clock, base.consumer, Store(base.database, base.outbox)
    outcomes, job_history, decisions = Outcomes(base.database), JobHistory(base.database), Decisions(base.database)
    jobs = Jobs(NAME, base.database, job_runs, base.outbox, clock, stopping=base.stopping)
    timers = timers_of(settings, jobs, store, outcomes, clock)
    subscribe(consumer, Handlers(store, outcomes, job_history, decisions, clock))
    consumer.subscribe(TIMERS, {TimerFired: timers.on_timer_fired}, prefetch=10)
    targets = Targets(allow_private_addresses=settings.allow_private_addresses)
    now = partial(database_now, base.database, clock)
    notifying = Notifying(store, targets, settings.targets, clock, now)
    alert, limits = BrokerAlert(notifying, clock), (settings.lateness_alert_ms, settings.failing_alert_posts)
    figures, try_publishing = base.publisher.queue_figures, base.publisher.try_publishing
    watch = Watch(store, outcomes, job_history, decisions, figures, try_publishing, alert, now, *limits)
    consumer.subscribe(NOTIFICATIONS, {AlertRaised: notifying.on_alert_raised}, prefetch=5)
    base.take_purges(base.retention(retention.RULES).on_retention_purge_requested)
    base.answer_rebuilds(OwnState(NAME, base.database, clock).parts)
    return replace(base.service(), loops=(watch.run,), closing=(targets.close,))


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
