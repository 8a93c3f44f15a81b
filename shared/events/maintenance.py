"""Facts about jobs, retention, figures and alerts."""

from typing import Literal

from pydantic import Field

from shared.events.base import Count, Duration, Event, Id, Instant, Name, Value
from shared.events.monitor import Day


class JobRun(Value):
    """What every event of a job run says of it; `period_seconds` is the time between two ticks of its timer."""

    service: Name | None = None
    tick_at: Instant | None = None
    manual: bool | None = None
    period_seconds: Duration | None = None


class JobStarted(JobRun, Event, type="job.started"):
    job: Name
    run_id: Id
    missed: Count | None = None


class JobSucceeded(JobRun, Event, type="job.succeeded"):
    job: Name
    run_id: Id
    duration_ms: Duration | None = None


class JobFailed(JobRun, Event, type="job.failed"):
    job: Name
    run_id: Id
    duration_ms: Duration | None = None
    error: str | None = None


class JobReleased(JobRun, Event, type="job.released"):
    """The service stopped before the job was done: the same tick runs again, in the next process that takes it."""

    job: Name
    run_id: Id
    duration_ms: Duration | None = None


class JobSkipped(Event, type="job.skipped"):
    """A tick on which nothing ran, because the job's last run was still at work."""

    job: Name
    tick_at: Instant
    reason: str
    service: Name | None = None
    manual: bool | None = None


class RetentionPurgeRequested(Event, type="retention.purge_requested"):
    """Of posts that are older all the same, each service keeps at least so many of the newest."""

    before: Instant
    keep_succeeded: Count | None = None
    keep_failed: Count | None = None


class RetentionPurged(Event, type="retention.purged"):
    service: Name
    rows: Count


class AccountFigures(Value):
    account_id: Id
    platform: Name
    published: Count
    failed: Count
    unknown: Count | None = None
    attempts: Count | None = None
    p50_lateness_ms: Duration | None = None
    p99_lateness_ms: Duration | None = None


class AnalyticsAggregated(Event, type="analytics.aggregated"):
    day: Day
    accounts: tuple[AccountFigures, ...]


class AlertRaised(Event, type="alert.raised"):
    """Something a person should know; `resolved` says that it is over."""

    severity: Literal["info", "warning", "critical"]
    code: Name
    message: str
    subject: str
    state: Literal["raised", "resolved"] = "raised"
    since: Instant | None = None


class Overdue(Value):
    """How many posts should be out, and nothing is heard of them; and which one of them was due first, when."""

    count: Count
    post_id: Id
    publish_at: Instant


class ServiceReported(Event, type="service.reported"):
    """A process tells every minute how it is: what `/readyz` finds wrong, how old its outbox is, what it consumes."""

    service: Name
    instance: Id
    problems: dict[Name, str] = Field(default_factory=dict)
    outbox_age_seconds: Duration | None = None
    queues: tuple[Name, ...] = ()
    up_seconds: Duration | None = None
    overdue: Overdue | None = None
