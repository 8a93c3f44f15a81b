"""Facts that the scheduler emits, and the `publish.requested` it sends through the delayed exchange."""

from typing import Literal

from pydantic import Field

from shared.events.base import Count, Event, Id, Instant, Name, Options, Revision, Text, Value, WebUrl
from shared.events.requests import LatePolicy, Media, RetryPolicy

RejectionCode = Literal[
    "in_the_past", "already_published", "unknown_account", "content_too_long", "invalid", "not_found", "conflict"
]


class ScheduleAccepted(Event, type="schedule.accepted"):
    post_id: Id
    account_id: Id
    revision: Revision
    publish_at: Instant
    changed: bool
    warning: str | None = None
    request_id: Id | None = None


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


class PendingPost(Value):
    post_id: Id
    account_id: Id


class ScheduleBatchSettled(Event, type="schedule.batch_settled"):
    """What is `pending` waits for the publisher, and is settled by a single fact each. An answer that would be larger
    than 8 MiB names none of the batch's posts but those that cannot be read: single facts settle the others."""

    batch_id: Id
    accepted: tuple[AcceptedPost, ...]
    rejected: tuple[RejectedPost, ...]
    pending: tuple[PendingPost, ...] = ()
    request_id: Id | None = None


class ScheduleCancelled(Event, type="schedule.cancelled"):
    """No revision up to this one will be sent: a person or a system asked for it, and it is certain."""

    post_id: Id
    account_id: Id
    revision: Revision
    reason: str


class ScheduleSuperseded(Event, type="schedule.superseded"):
    """This revision may have been with the broker when it was replaced `by` another; it will not be sent."""

    post_id: Id
    account_id: Id
    revision: Revision
    by: Revision


class PublishWithdrawRequested(Event, type="publish.withdraw_requested"):
    """Asks the publisher not to send any revision up to this one, and to tell whether that comes too late.

    It answers once nothing of the post is on its way any more. `publish.skipped` (cancelled, superseded) of this
    revision or a higher one: not sent, and never will be. `publish.succeeded`, `publish.unknown`, or `publish.retrying`
    in doubt: it is or may be out. Where one of the first two was told within 20 seconds before, that is the answer.
    """

    post_id: Id
    account_id: Id
    revision: Revision
    reason: Literal["cancelled", "superseded"]


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
    retry: RetryPolicy = RetryPolicy()
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
