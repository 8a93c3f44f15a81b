"""How far a post has come on one account, told by facts that may arrive twice and in any order.

Progress only ever grows: of two facts the later one wins, whichever arrives first, so that every reader ends up with
the same state. `published` is final. Otherwise the higher revision counts; within it a cancellation; then what came
after a person asked for it again (`retries`); then the later attempt. A doubt uses an attempt, so that of two facts of
one attempt the one without doubt came later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared.events.base import Event
from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.scheduler import PublishRequested, ScheduleAccepted, ScheduleCancelled, ScheduleSuperseded

OVERDUE_AFTER = timedelta(minutes=2)
"""A post is overdue when it should have been out for so long, and nobody has said that it waits."""


class State(StrEnum):
    """The states of a publication, as the contract names them, in the order in which one attempt can bring them.

    What failed or is held can still be withdrawn, and is skipped then; what is skipped changes no more by itself.
    """

    SCHEDULED = "scheduled"
    DISPATCHED = "dispatched"
    SENDING = "sending"
    RETRYING = "retrying"
    UNKNOWN = "unknown"
    HELD = "held"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    PUBLISHED = "published"


Rank = tuple[bool, int, bool, int, int, int, bool]

_ORDER = {state: position for position, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Progress:
    """A state with what decides whether it is later than another; `in_doubt` where an attempt may have landed."""

    state: State
    revision: int
    attempts: int = 0
    in_doubt: bool = False
    retries: int = 0

    @property
    def rank(self) -> Rank:
        """Progress of higher rank replaces progress of lower rank."""
        published = self.state is State.PUBLISHED
        cancelled = self.state is State.CANCELLED
        tried = self.retries, self.attempts
        return published, self.revision, cancelled, *tried, _ORDER[self.state], not self.in_doubt

    @property
    def may_be_out(self) -> bool:
        """Whether the post is or may be published: it must be neither edited nor cancelled."""
        return self.in_doubt or self.state in (State.PUBLISHED, State.UNKNOWN)

    def is_beyond(self, other: "Progress") -> bool:
        """Whether this comes after the other."""
        return self.rank > other.rank


_READERS: dict[type[Event], Callable[[Any], Progress]] = {
    ScheduleAccepted: lambda fact: Progress(State.SCHEDULED, fact.revision),
    ScheduleCancelled: lambda fact: Progress(State.CANCELLED, fact.revision),
    ScheduleSuperseded: lambda fact: Progress(State.SCHEDULED, fact.by),
    PublishRequested: lambda fact: Progress(State.DISPATCHED, fact.revision),
    PublishRetrying: lambda fact: Progress(State.RETRYING, fact.revision, fact.attempt, fact.in_doubt, fact.retries),
    PublishSucceeded: lambda fact: Progress(State.PUBLISHED, fact.revision, fact.attempts, retries=fact.retries),
    PublishFailed: lambda fact: Progress(State.FAILED, fact.revision, fact.attempts, retries=fact.retries),
    PublishUnknown: lambda fact: Progress(State.UNKNOWN, fact.revision, fact.attempts, retries=fact.retries),
    PublishSkipped: lambda fact: Progress(State.SKIPPED, fact.revision, fact.attempts, retries=fact.retries),
    PublishHeld: lambda fact: Progress(State.HELD, fact.revision, fact.attempts, retries=fact.retries),
}


def progress_of(fact: Event) -> Progress | None:
    """The progress a fact tells of, or None where it tells of none."""
    reader = _READERS.get(type(fact))
    return reader(fact) if reader else None
