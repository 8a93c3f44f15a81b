"""Facts that the scheduler emits, and the `publish.requested` it sends through the delayed exchange."""

from typing import Literal

from pydantic import Field

from shared.events.base import Count, Event, Id, Instant, Name, Options, Revision, Text, Value, WebUrl
from shared.events.requests import LatePolicy, Media

RejectionCode = Literal[
    "in_the_past", "already_published", "unknown_account", "content_too_long", "invalid", "not_found"
]


class ScheduleAccepted(Event, type="schedule.accepted"):
    post_id: Id
    account_id: Id
    revision: Revision
    publish_at: Instant
    changed: bool
    warning: str | None = None


class ScheduleRejected(Event, type="schedule.rejected"):
    post_id: Id
    account_id: Id | None = None
    code: RejectionCode
    reason: str


class AcceptedPost(Value):
    post_id: Id
    account_id: Id
    revision: Revision
    publish_at: Instant
    changed: bool
    warning: str | None = None


class RejectedPost(Value):
    post_id: Text
    account_id: Id | None = None
    code: RejectionCode
    reason: str


class ScheduleBatchSettled(Event, type="schedule.batch_settled"):
    batch_id: Id
    accepted: tuple[AcceptedPost, ...]
    rejected: tuple[RejectedPost, ...]


class ScheduleCancelled(Event, type="schedule.cancelled"):
    """Every revision up to this one must not be sent any more."""

    post_id: Id
    account_id: Id
    revision: Revision
    reason: str


class PublishRequested(Event, type="publish.requested"):
    """The post as it must be sent. `swept` asks the publisher to repeat an outcome it already knows."""

    post_id: Id
    account_id: Id
    revision: Revision
    publish_at: Instant
    content: Text
    media: tuple[Media, ...] = ()
    options: Options = Field(default_factory=dict)
    late_policy: LatePolicy = LatePolicy()
    attempt: Count = 1
    callback_url: WebUrl | None = None
    swept: bool = False


class TimerFired(Event, type="timer.fired"):
    timer: Name
    tick_at: Instant
    fired_at: Instant
    manual: bool
    missed: Count
    next_at: Instant | None = None
    cron: str | None = None
    zone: str | None = None


class TimerConfigured(Event, type="timer.configured"):
    """A timer as the scheduler goes by it from now on; without `cron` there is no such timer any more."""

    timer: Name
    configured_at: Instant
    cron: str | None = None
    zone: str | None = None
    next_at: Instant | None = None
    last_tick_at: Instant | None = None
