"""Requests put to the desk: what each needs to see, and what is answered. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import to_json

from services.scheduler.desk import Desk, Key
from services.scheduler.domain import Accepted, Decision, Rejected, Waiting
from services.scheduler.facts import Near, accepted_post, facts_of, pending_post, rejected_post
from services.scheduler.unreadable import refused_post
from services.scheduler.wishes import Wish, wishes_of
from shared.events import Event
from shared.events.base import explain
from shared.events.requests import ScheduleBatchRequested, ScheduleCancelRequested, ScheduleRequested
from shared.events.scheduler import RejectedPost, ScheduleBatchSettled

MOST_WISHES_IN_A_BATCH = 20_000


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
        return [event for decision in decisions for event in facts_of(decision, near)]


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
        return [
            ScheduleBatchSettled(
                batch_id=self.batch_id,
                accepted=tuple(accepted_post(one, near) for one in decisions if isinstance(one, Accepted)),
                rejected=(*self.refused, *(rejected_post(one) for one in decisions if isinstance(one, Rejected))),
                pending=tuple(pending_post(one) for one in decisions if isinstance(one, Waiting)),
            )
        ]


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
        return [desk.cancel(self.post_id, account_id, self.correlation_id) for account_id in account_ids]

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        return [event for decision in decisions for event in facts_of(decision, near)]


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
            refused.append(refused_post(post, f"posts[{index}]: {explain(error)}"))
            continue
        if len(wishes) + len(wishes_of_post) > MOST_WISHES_IN_A_BATCH:
            reason = f"posts[{index}]: the batch names more than {MOST_WISHES_IN_A_BATCH:,} targets; send it in parts"
            refused.append(refused_post(post, reason))
            continue
        wishes.extend(wishes_of_post)
    return BatchAsk(request.batch_id, wishes, refused, message_id, correlation_id)


def cancel_ask(request: ScheduleCancelRequested, message_id: str | None, correlation_id: str) -> CancelAsk:
    """A cancellation, put to the desk."""
    return CancelAsk(request.post_id, request.account_ids, message_id, correlation_id)
