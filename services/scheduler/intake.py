"""Requests put to the desk: what each needs to see, and what is answered. No I/O."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json, to_json

from services.scheduler.desk import Desk, Key
from services.scheduler.domain import Accepted, Cancelled, Decision, Rejected, Wish, wishes_of
from services.scheduler.neighbours import NO_NEIGHBOURS, Neighbours, Place, warning_of
from shared.events import Event
from shared.events.base import explain
from shared.events.requests import (
    MAX_POSTS_IN_A_BATCH,
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
)
from shared.events.scheduler import (
    AcceptedPost,
    RejectedPost,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleCancelled,
    ScheduleRejected,
)

MOST_WISHES_IN_A_BATCH = 20_000
Near = Mapping[Place, Neighbours]
SUPERSEDED = "superseded"
REQUESTED = "requested"


class Ask(Protocol):
    """A request in the queue to the desk."""

    @property
    def message_id(self) -> str | None: ...
    @property
    def correlation_id(self) -> str: ...
    @property
    def keys(self) -> Sequence[Key]:
        """The schedules it concerns, where it names them."""
        ...

    @property
    def post_ids(self) -> Iterable[str]:
        """The posts it concerns."""
        ...

    @property
    def whole_posts(self) -> Sequence[str]:
        """The posts all of whose schedules it concerns."""
        ...

    def decide(self, desk: Desk) -> Sequence[Decision]:
        """What becomes of it."""
        ...

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        """The facts that say what became of it, once that is written; `near` has what is near the accepted posts."""
        ...


@dataclass(frozen=True)
class PostAsk:
    """One `schedule.requested`."""

    wishes: Sequence[Wish]
    message_id: str | None
    correlation_id: str
    whole_posts: Sequence[str] = ()

    @cached_property
    def keys(self) -> Sequence[Key]:
        return [wish.key for wish in self.wishes]

    @property
    def post_ids(self) -> Iterable[str]:
        return {post_id for post_id, _ in self.keys}

    def decide(self, desk: Desk) -> Sequence[Decision]:
        return [desk.place(wish, self.correlation_id) for wish in self.wishes]

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        return [event for decision in decisions for event in _facts(decision, near)]


@dataclass(frozen=True)
class BatchAsk:
    """One `schedule.batch_requested`; `refused` are the posts in it that could not be read."""

    batch_id: str
    wishes: Sequence[Wish]
    refused: Sequence[RejectedPost]
    message_id: str | None
    correlation_id: str
    whole_posts: Sequence[str] = ()

    @cached_property
    def keys(self) -> Sequence[Key]:
        return [wish.key for wish in self.wishes]

    @property
    def post_ids(self) -> Iterable[str]:
        return {post_id for post_id, _ in self.keys}

    def decide(self, desk: Desk) -> Sequence[Decision]:
        return [desk.place(wish, self.correlation_id) for wish in self.wishes]

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        settled = ScheduleBatchSettled(
            batch_id=self.batch_id,
            accepted=tuple(_accepted_post(one, near) for one in decisions if isinstance(one, Accepted)),
            rejected=(*self.refused, *(_rejected_post(one) for one in decisions if isinstance(one, Rejected))),
        )
        return [settled, *_superseded(decisions)]


@dataclass(frozen=True)
class CancelAsk:
    """One `schedule.cancel_requested`; without accounts it means all of them."""

    post_id: str
    account_ids: Sequence[str] | None
    message_id: str | None
    correlation_id: str

    @property
    def keys(self) -> Sequence[Key]:
        return [(self.post_id, account_id) for account_id in self.account_ids or ()]

    @property
    def post_ids(self) -> Iterable[str]:
        return (self.post_id,)

    @property
    def whole_posts(self) -> Sequence[str]:
        return () if self.account_ids else (self.post_id,)

    def decide(self, desk: Desk) -> Sequence[Decision]:
        account_ids = self.account_ids or desk.accounts_of(self.post_id)
        if not account_ids:
            return [Rejected(self.post_id, None, "not_found", f"post {self.post_id!r} is not scheduled")]
        return [desk.cancel(self.post_id, account_id) for account_id in account_ids]

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        return [event for decision in decisions for event in _facts(decision, near)]


def post_ask(request: ScheduleRequested, message_id: str | None, correlation_id: str) -> PostAsk:
    """A single post, put to the desk."""
    return PostAsk(wishes_of(request), message_id, correlation_id)


def batch_ask(request: ScheduleBatchRequested, message_id: str | None, correlation_id: str) -> BatchAsk:
    """A batch, put to the desk: each post is read on its own."""
    wishes: list[Wish] = []
    refused: list[RejectedPost] = []
    for index, post in enumerate(request.posts):
        try:
            wishes_of_post = wishes_of(ScheduleRequested.model_validate_json(to_json(post)))
        except ValidationError as error:
            refused.append(_refused_post(post, f"posts[{index}]: {explain(error)}"))
            continue
        if len(wishes) + len(wishes_of_post) > MOST_WISHES_IN_A_BATCH:
            reason = f"posts[{index}]: the batch names more than {MOST_WISHES_IN_A_BATCH:,} targets; send it in parts"
            refused.append(_refused_post(post, reason))
            continue
        wishes.extend(wishes_of_post)
    return BatchAsk(request.batch_id, wishes, refused, message_id, correlation_id)


def cancel_ask(request: ScheduleCancelRequested, message_id: str | None, correlation_id: str) -> CancelAsk:
    """A cancellation, put to the desk."""
    return CancelAsk(request.post_id, request.account_ids, message_id, correlation_id)


def answer_to_unreadable(type_name: str, body: bytes, reason: str) -> Event | None:
    """The rejection of a request that is no valid event, if it can be told whom to answer."""
    try:
        given = from_json(body)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    try:
        if type_name == ScheduleBatchRequested.type:
            return _unreadable_batch(given, reason)
        return ScheduleRejected(post_id=given.get("post_id"), code="invalid", reason=reason)  # type: ignore[arg-type]
    except ValidationError:
        return None


def _unreadable_batch(given: dict[str, JsonValue], reason: str) -> ScheduleBatchSettled:
    posts = given.get("posts")
    named = posts if isinstance(posts, list) and len(posts) <= MAX_POSTS_IN_A_BATCH else []
    refused = [_refused_post(post, reason) for post in named]
    return ScheduleBatchSettled(
        batch_id=given.get("batch_id"),  # type: ignore[arg-type]
        accepted=(),
        rejected=tuple(refused or [_refused_post(None, reason)]),
    )


def _refused_post(post: JsonValue, reason: str) -> RejectedPost:
    post_id = post.get("post_id") if isinstance(post, dict) else None
    told = post_id if isinstance(post_id, str) else json.dumps(post_id)
    return RejectedPost(post_id=told.replace("\x00", "")[:200], code="invalid", reason=reason)


def _facts(decision: Decision, near: Near) -> list[Event]:
    if isinstance(decision, Rejected):
        return [_rejection(decision)]
    if isinstance(decision, Cancelled):
        return [_cancellation(decision)]
    accepted = ScheduleAccepted(**_acceptance(decision, near))
    return [accepted, *_superseded([decision])]


def _superseded(decisions: Iterable[Decision]) -> list[Event]:
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


def _rejected_post(decision: Rejected) -> RejectedPost:
    return RejectedPost(
        post_id=decision.post_id, account_id=decision.account_id, code=decision.code, reason=decision.reason
    )


def _accepted_post(decision: Accepted, near: Near) -> AcceptedPost:
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
