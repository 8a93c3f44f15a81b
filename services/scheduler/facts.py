"""The facts that say what became of requests. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.scheduler.domain import Accepted, Cancelled, Decision, Rejected
from services.scheduler.neighbours import NO_NEIGHBOURS, Neighbours, Place, warning_of
from shared.events import Event
from shared.events.scheduler import AcceptedPost, RejectedPost, ScheduleAccepted, ScheduleCancelled, ScheduleRejected

Near = Mapping[Place, Neighbours]
"""What is near the places of accepted posts, where it is worth a warning."""
SUPERSEDED = "superseded"
REQUESTED = "requested"


def facts_of(decision: Decision, near: Near) -> list[Event]:
    """What is told of a single request's decision."""
    if isinstance(decision, Rejected):
        return [_rejection(decision)]
    if isinstance(decision, Cancelled):
        return [_cancellation(decision)]
    accepted = ScheduleAccepted(**_acceptance(decision, near))
    return [accepted, *superseded([decision])]


def superseded(decisions: Iterable[Decision]) -> list[Event]:
    """What tells the publisher not to send a revision that may be on its way."""
    return [
        ScheduleCancelled(
            post_id=decision.schedule.post_id,
            account_id=decision.schedule.account_id,
            revision=decision.superseded,
            reason=SUPERSEDED,
        )
        for decision in decisions
        if isinstance(decision, Accepted) and decision.superseded is not None
    ]


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


def _acceptance(decision: Accepted, near: Near) -> dict[str, Any]:
    schedule = decision.schedule
    neighbours = near.get(schedule.place, NO_NEIGHBOURS)
    return {
        "post_id": schedule.post_id,
        "account_id": schedule.account_id,
        "revision": schedule.revision,
        "publish_at": schedule.publish_at,
        "changed": decision.changed,
        "warning": warning_of(is_known=decision.is_known, neighbours=neighbours),
    }
