"""Facts about jobs, retention, figures and alerts."""

from typing import Literal

from shared.events.base import Count, Event, Id, Instant, Name, Value
from shared.events.monitor import Day


class JobStarted(Event, type="job.started"):
    job: Name
    run_id: Id


class JobSucceeded(Event, type="job.succeeded"):
    job: Name
    run_id: Id
    duration_ms: float | None = None


class JobFailed(Event, type="job.failed"):
    job: Name
    run_id: Id
    duration_ms: float | None = None
    error: str | None = None


class RetentionPurgeRequested(Event, type="retention.purge_requested"):
    before: Instant


class RetentionPurged(Event, type="retention.purged"):
    service: Name
    rows: Count


class AccountFigures(Value):
    account_id: Id
    platform: Name
    published: Count
    failed: Count
    p50_lateness_ms: float | None = None
    p99_lateness_ms: float | None = None


class AnalyticsAggregated(Event, type="analytics.aggregated"):
    day: Day
    accounts: tuple[AccountFigures, ...]


class AlertRaised(Event, type="alert.raised"):
    severity: Literal["info", "warning", "critical"]
    code: Name
    message: str
    subject: str
