"""Requests as they are decided: what each needs to see, and what is answered. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from services.scheduler.decider import Decider, Key
from services.scheduler.deciding import instant_of
from services.scheduler.domain import Accepted, Decision, Rejected, Waiting
from services.scheduler.facts import Near, accepted_post, facts_of, pending_post, rejected_post
from services.scheduler.origin import Origin
from services.scheduler.unreadable import refused_post
from services.scheduler.wanted_posts import WantedPost, posts_wanted_by
from shared.events import Event
from shared.events.explaining import explain
from shared.events.reading import read_json
from shared.events.requests import (
    MAX_CHARACTERS_IN_ALL,
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
)
from shared.events.scheduler import RejectedPost, ScheduleBatchSettled
from shared.messaging.envelope import MAX_BODY_BYTES

MOST_TARGETS_IN_A_BATCH = 20_000
SURELY_ONE_MESSAGE = 1_000
"""Decisions whose answer is never larger than a message may be, however long their ids."""
NEAR = timedelta(seconds=3)
CHARACTERS_LIKE_A_ROW = 5_000
"""To write so many costs as much as to write one more row."""


class Request(Protocol):
    """A request that waits to be decided."""

    @property
    def inbox_id(self) -> str | None: ...
    @property
    def origin(self) -> Origin: ...
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

    @property
    def weight(self) -> int:
        """How much there is to write for it, in rows."""
        ...

    def decide(self, decider: Decider) -> Sequence[Decision]:
        """What becomes of it."""
        ...

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        """The facts that say what became of it, once that is written; `near` has what is near the accepted posts."""
        ...


@dataclass(frozen=True)
class _Wanted:
    """A request for posts, one or many."""

    wanted: Sequence[WantedPost]
    inbox_id: str | None
    origin: Origin

    @property
    def whole_posts(self) -> Sequence[str]:
        return ()

    @cached_property
    def keys(self) -> Sequence[Key]:
        return [wanted.key for wanted in self.wanted]

    @property
    def post_ids(self) -> Iterable[str]:
        return {post_id for post_id, _ in self.keys}

    @property
    def weight(self) -> int:
        return max(1, len(self.wanted)) + sum(one.characters for one in self.wanted) // CHARACTERS_LIKE_A_ROW

    def decide(self, decider: Decider) -> Sequence[Decision]:
        return [decider.schedule(wanted, self.origin) for wanted in self.wanted]


@dataclass(frozen=True)
class PostRequest(_Wanted):
    """One `schedule.requested`."""

    @property
    def is_urgent(self) -> bool:
        """Whether a post in it is due so soon that it cannot wait for company."""
        instants = (instant_of(wanted, self.origin.taken_at) for wanted in self.wanted)
        return any(isinstance(at, datetime) and at < self.origin.taken_at + NEAR for at in instants)

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        return [event for decision in decisions for event in facts_of(decision, near)]


@dataclass(frozen=True, kw_only=True)
class BatchRequest(_Wanted):
    """One `schedule.batch_requested`; `refused` are the posts in it that could not be read."""

    batch_id: str
    refused: Sequence[RejectedPost]

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        answer = ScheduleBatchSettled(
            batch_id=self.batch_id,
            request_id=self.origin.request_id,
            accepted=tuple(accepted_post(one, near) for one in decisions if isinstance(one, Accepted)),
            rejected=(*self.refused, *(rejected_post(one) for one in decisions if isinstance(one, Rejected))),
            pending=tuple(pending_post(one) for one in decisions if isinstance(one, Waiting)),
        )
        if len(decisions) <= SURELY_ONE_MESSAGE or len(answer.body()) <= MAX_BODY_BYTES:
            return [answer]
        return [self._without_its_posts(answer), *(fact for one in decisions for fact in facts_of(one, near))]

    def _without_its_posts(self, answer: ScheduleBatchSettled) -> ScheduleBatchSettled:
        """The answer where it would be larger than any message may be: a single fact settles each post."""
        return answer.model_copy(update={"accepted": (), "rejected": tuple(self.refused), "pending": ()})


@dataclass(frozen=True)
class CancelRequest:
    """One `schedule.cancel_requested`; without accounts it means all of them."""

    post_id: str
    account_ids: Sequence[str] | None
    inbox_id: str | None
    origin: Origin
    expected_revision: int | None = None

    @property
    def keys(self) -> Sequence[Key]:
        return [(self.post_id, account_id) for account_id in self.account_ids or ()]

    @property
    def post_ids(self) -> Iterable[str]:
        return (self.post_id,)

    @property
    def whole_posts(self) -> Sequence[str]:
        return () if self.account_ids else (self.post_id,)

    @property
    def weight(self) -> int:
        return max(1, len(self.keys))

    def decide(self, decider: Decider) -> Sequence[Decision]:
        if not self.account_ids:
            return decider.cancel_all(self.post_id, self.origin, self.expected_revision)
        return [
            decider.cancel(self.post_id, account_id, self.origin, self.expected_revision)
            for account_id in self.account_ids
        ]

    def tell(self, decisions: Sequence[Decision], near: Near) -> list[Event]:
        return [event for decision in decisions for event in facts_of(decision, near)]


def post_request(request: ScheduleRequested, inbox_id: str | None, origin: Origin, body: bytes = b"") -> PostRequest:
    """A single post; `body` is the request as it came."""
    return PostRequest(posts_wanted_by(request, from_json(body) if body else None), inbox_id, origin)


def batch_request(request: ScheduleBatchRequested, inbox_id: str | None, origin: Origin) -> BatchRequest:
    """A batch: each post is read on its own."""
    wanted: list[WantedPost] = []
    refused: list[RejectedPost] = []
    characters = 0
    for index, post in enumerate(request.posts):
        try:
            wanted_of_post = posts_wanted_by(read_json(ScheduleRequested, to_json(post)), post)
        except ValidationError as error:
            refused.append(refused_post(post, f"posts[{index}]: {explain(error)}"))
            continue
        characters_in_all = characters + sum(one.characters for one in wanted_of_post)
        if too_much := _too_much(len(wanted) + len(wanted_of_post), characters_in_all):
            refused.append(refused_post(post, f"posts[{index}]: the batch {too_much}; send it in parts"))
            continue
        wanted.extend(wanted_of_post)
        characters = characters_in_all
    return BatchRequest(wanted, inbox_id, origin, batch_id=request.batch_id, refused=refused)


def _too_much(targets: int, characters: int) -> str | None:
    """What is too much to be written at once."""
    if targets > MOST_TARGETS_IN_A_BATCH:
        return f"names more than {MOST_TARGETS_IN_A_BATCH:,} targets"
    if characters > MAX_CHARACTERS_IN_ALL:
        return f"has more than {MAX_CHARACTERS_IN_ALL:,} characters for all accounts"
    return None


def cancel_request(request: ScheduleCancelRequested, inbox_id: str | None, origin: Origin) -> CancelRequest:
    """A cancellation."""
    return CancelRequest(request.post_id, request.account_ids, inbox_id, origin, request.expected_revision)
