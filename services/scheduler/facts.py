"""The facts that say what became of requests. No I/O."""

from collections.abc import Mapping
from typing import Any

from services.scheduler.domain import Accepted, Cancelled, Decision, Rejected, Schedule, Waiting
from services.scheduler.near_posts import NOTHING_NEAR, NearKeys, NearPosts, warning_of
from services.scheduler.pending import PendingRequest
from shared.events import Event
from shared.events.scheduler import (
    AcceptedPost,
    PendingPost,
    PublishWithdrawRequested,
    RejectedPost,
    ScheduleAccepted,
    ScheduleCancelled,
    ScheduleRejected,
    ScheduleSuperseded,
)

Near = Mapping[NearKeys, NearPosts]
"""What is near accepted posts, by their keys, where it is worth a warning."""
REQUESTED = "requested"


def facts_of(decision: Decision, near: Near) -> list[Event]:
    """What is told of a single request's decision; while it waits, nothing."""
    if isinstance(decision, Rejected):
        return [_rejection(decision)]
    if isinstance(decision, Cancelled):
        return [_cancellation(decision)]
    if isinstance(decision, Waiting):
        return []
    accepted = ScheduleAccepted(**_acceptance(decision, near), request_id=decision.request_id)
    return (
        [accepted] if decision.superseded is None else [accepted, _replacement(decision.schedule, decision.superseded)]
    )


def withdrawal(request: PendingRequest, revision: int) -> PublishWithdrawRequested:
    """What asks the publisher to take a revision back for the sake of a request."""
    return PublishWithdrawRequested(
        post_id=request.post_id, account_id=request.account_id, revision=revision, reason=request.reason
    )


def overtaken(schedule: Schedule, revision: int) -> ScheduleRejected:
    """What takes an answer back: the schedule's revision will not be published, for an earlier one has been."""
    reason = (
        f"revision {schedule.revision} of {schedule.post_id!r} on {schedule.account_id!r} came too late: "
        f"revision {revision} has been published; use a new post_id"
    )
    return ScheduleRejected(
        post_id=schedule.post_id, account_id=schedule.account_id, code="already_published", reason=reason
    )


def _replacement(schedule: Schedule, revision: int) -> ScheduleSuperseded:
    return ScheduleSuperseded(
        post_id=schedule.post_id, account_id=schedule.account_id, revision=revision, by=schedule.revision
    )


def _cancellation(decision: Cancelled) -> ScheduleCancelled:
    schedule = decision.schedule
    return ScheduleCancelled(
        post_id=schedule.post_id, account_id=schedule.account_id, revision=schedule.revision, reason=REQUESTED
    )


def _rejection(decision: Rejected) -> ScheduleRejected:
    return ScheduleRejected(
        post_id=decision.post_id, account_id=decision.account_id, code=decision.code, reason=decision.reason
    )


def rejected_post(decision: Rejected) -> RejectedPost:
    """The same as a part of a batch's answer."""
    return RejectedPost(
        post_id=decision.post_id, account_id=decision.account_id, code=decision.code, reason=decision.reason
    )


def accepted_post(decision: Accepted, near: Near) -> AcceptedPost:
    """The same as a part of a batch's answer."""
    return AcceptedPost(**_acceptance(decision, near))


def pending_post(decision: Waiting) -> PendingPost:
    """What waits, as a part of a batch's answer."""
    return PendingPost(post_id=decision.post_id, account_id=decision.account_id)


def _acceptance(decision: Accepted, near: Near) -> dict[str, Any]:
    schedule = decision.schedule
    near_posts = near.get(schedule.near_keys, NOTHING_NEAR)
    return {
        "post_id": schedule.post_id,
        "account_id": schedule.account_id,
        "revision": schedule.revision,
        "publish_at": schedule.publish_at,
        "changed": decision.changed,
        "warning": warning_of(is_known=decision.is_known, near_posts=near_posts, misspelt=decision.misspelt),
    }
