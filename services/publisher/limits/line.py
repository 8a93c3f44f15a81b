"""A line: the posts of one account that wait for their starts, and what may come of waiting. No I/O."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from services.publisher.domain import Key
from services.publisher.limits.circuit_breaker import CircuitOpen, Turn
from services.publisher.limits.gates import Gates
from services.publisher.limits.grants import NotBegun
from services.publisher.limits.pace import Pace
from services.publisher.sending.case import Case, Delivered
from services.publisher.sending.evidence import Attempt

AHEAD = timedelta(milliseconds=100)
"""How long before its start a post is committed as about to be sent, so that no commit delays the send.

Longer where commits take longer; no more than that, for it holds its turn at the destination from then on.
"""
AHEAD_OF_LIMITS = timedelta(milliseconds=400)
"""The same under limits, for every replica, however fast it is: by then they have told one another of their posts, and
no replica gives starts to what others have no chance to know of yet."""
TOGETHER = timedelta(milliseconds=200)
"""Posts that are due within such a stretch are opened together: a commit costs as much for many as for one."""
MOST_AT_ONCE = 500
EPOCH = datetime.fromtimestamp(0, UTC)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt is committed, and there is a turn for it at the destination."""

    attempt: Attempt
    turn: Turn


@dataclass(frozen=True, slots=True)
class Changed:
    """The post is no longer as its case knows it: claim it again."""


@dataclass(frozen=True, slots=True)
class Later:
    """The line is so long that the post had better rest until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """The destination does not answer."""

    error: CircuitOpen


Answer = Opened | Changed | Later | Closed


def rank_of(case: Case) -> tuple[datetime, datetime]:
    """Where a post stands in its line: due first."""
    return case.publication.not_before, case.publication.publish_at


@dataclass(eq=False, slots=True)
class Place:
    """A post's place in the line of its account, and the stretch in which it is due: the same for all lines."""

    case: Case
    number: int
    answer: "asyncio.Future[Answer]"
    turn: Turn | None = None
    due_from: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.due_from = self.not_before - (self.not_before - EPOCH) % TOGETHER

    @property
    def is_waiting(self) -> bool:
        """Whether it is still in line, and not among those that are being opened."""
        return self.turn is None and not self.answer.done()

    def opened(self, attempt: Attempt) -> Opened:
        """What comes of its waiting: the attempt, with the turn that it had."""
        turn, self.turn = self.turn, None
        assert turn is not None, "what is opened has a turn"
        return Opened(attempt, turn)

    def give_turn_back(self) -> None:
        """Leave its turn to others, where it has one."""
        if self.turn is not None:
            turn, self.turn = self.turn, None
            turn.end()

    def __lt__(self, other: "Place") -> bool:
        return self.rank < other.rank

    @property
    def not_before(self) -> datetime:
        return self.case.publication.not_before

    @property
    def rank(self) -> tuple[datetime, datetime, int]:
        return *rank_of(self.case), self.number


@dataclass(slots=True)
class Line:
    """The posts of one account that wait, earliest due first. Its limits have nothing to give before `next_at`.

    `not_begun` are those with a start that has not come yet. Where the account `is_contested` by other replicas, they
    are told at once when one has begun: that is the news.
    """

    account_id: str
    gates: Gates
    destination: str
    next_at: datetime = EPOCH
    estimated_at: datetime = EPOCH
    is_contested: bool = False
    has_news: bool = False
    places: list[Place] = field(default_factory=list)
    not_begun: dict[Key, NotBegun] = field(default_factory=dict)

    def ahead(self, pace: Pace) -> timedelta:
        """How long before its start a post may be opened."""
        return AHEAD_OF_LIMITS if self.gates else max(AHEAD, pace.lead)

    def look_at(self, pace: Pace) -> datetime:
        """When its first post may be opened, or there is something to tell."""
        if self.has_news:
            return EPOCH
        return max(self.next_at, self.places[0].due_from - self.ahead(pace)) if self.places else NEVER

    @property
    def is_over(self) -> bool:
        """Whether nobody waits, and others know all that they must."""
        return not (self.places or self.not_begun or self.has_news)

    def started(self, key: Key) -> None:
        """Note that a post with a start has begun, or never will."""
        if self.not_begun.pop(key, None) is not None:
            self.has_news = self.has_news or self.is_contested

    def first_due(self) -> datetime:
        """When the first that waits is due."""
        return self.places[0].not_before if self.places else NEVER

    def waiting_since(self, instant: datetime) -> Iterator[Delivered]:
        """The deliveries of posts that were due, and in line, before and are still there."""
        due = takewhile(lambda place: place.not_before < instant, self.places)
        cases = (place.case for place in due if place.is_waiting)
        return (case.delivered for case in cases if case.publication.updated_at < instant)

    def has_missed_before(self, case: Case) -> bool:
        """Whether a post that is due earlier waits again, for it missed its start under the limits.

        Who has only come meanwhile voids no start that is given: where many come back, none would ever be used.
        """
        earlier = takewhile(lambda place: place.rank[:2] < rank_of(case), self.places if self.gates else ())
        return any(place.case.changed_attempts for place in earlier)

    def ready(self, now: datetime, pace: Pace, most: int) -> list[Place]:
        """The posts that may be opened now, so many at most."""
        until = now + self.ahead(pace)
        return [place for place in self.places[: min(most, MOST_AT_ONCE)] if place.due_from <= until]
