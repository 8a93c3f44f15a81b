"""Who of a limited account's posts may start when, in the order they are due, whichever replica has them. No I/O.

Each replica tells, beside the reservations, when the first of its posts is due that has not begun. A replica whose next
post is due after another's lets that one go first, but for a few posts on a fast limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.publisher.limits.bucket import Bucket, earliest
from services.publisher.limits.pace import Pace

ASK_AGAIN_IN = timedelta(milliseconds=30)
"""When a replica that lets another go first asks again."""
HEADS_LAST = timedelta(seconds=2)
"""How long others wait for a replica that does not ask any more."""
MOST_SLACK_OF_A_WINDOW = timedelta(seconds=2)
HANDING_OVER = timedelta(milliseconds=90)
"""How long it takes, where nothing is slow, until another replica knows that a post has begun."""


@dataclass(frozen=True, slots=True)
class Start:
    """A send may begin from `start_at` to `latest_at`."""

    start_at: datetime
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class NotBegun:
    """A post that has a start and has not begun: by `latest_at` it has, or waits again."""

    due_at: datetime
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class Heads:
    """When the first post of each other replica is due, and until when that is to be believed."""

    told: Mapping[str, tuple[datetime, datetime]]

    @classmethod
    def of(cls, kept: Mapping[str, Sequence[str]], *, but: str, now: datetime) -> "Heads":
        """The heads as they are kept, ours left out and those that are too old."""
        others = {replica: (_instant(due), _instant(until)) for replica, (due, until) in kept.items() if replica != but}
        return cls({replica: (due, until) for replica, (due, until) in others.items() if until >= now})

    def go_before(self, due_at: datetime) -> bool:
        """Whether another replica's post is due before."""
        return any(due < due_at for due, _ in self.told.values())

    def with_ours(
        self, replica: str, waiting: Sequence[datetime], not_begun: Sequence[NotBegun], next_at: datetime
    ) -> dict[str, list[str]]:
        """What is kept of all heads. Ours is believed until we should have asked again, or have begun."""
        kept = {other: [due.isoformat(), until.isoformat()] for other, (due, until) in self.told.items()}
        due = min([*waiting[:1], *(one.due_at for one in not_begun)], default=None)
        if due is None:
            return kept
        until = next_at + HEADS_LAST if waiting else max(one.latest_at for one in not_begun)
        return kept | {replica: [due.isoformat(), until.isoformat()]}


@dataclass(frozen=True, slots=True)
class Given:
    """Starts for the first posts in line, and when to ask for the next."""

    starts: tuple[Start, ...]
    next_at: datetime


def given(waiting: Sequence[datetime], buckets: Sequence[Bucket], heads: Heads, pace: Pace, now: datetime) -> Given:
    """Give starts to posts that may start from these instants on, earliest first, as far ahead as the pace says."""
    first, last = now + pace.lead, now + pace.lead + pace.span
    slack = max(pace.slack, _slack_of(buckets))
    starts: list[Start] = []
    out_of_turn = _out_of_turn(buckets)
    for wanted_at in waiting:
        start_at = earliest(buckets, max(wanted_at, first))
        others_first = heads.go_before(wanted_at)
        if start_at > last or (others_first and not out_of_turn):
            return Given(tuple(starts), max(start_at - pace.lead, now + ASK_AGAIN_IN))
        out_of_turn -= others_first
        starts.append(Start(start_at, start_at + slack))
        for bucket in buckets:
            bucket.take(start_at, start_at + slack)
    return Given(tuple(starts), now + ASK_AGAIN_IN)


def estimated(count: int, buckets: Sequence[Bucket], pace: Pace, now: datetime) -> list[datetime]:
    """When the first so many posts in line will start, as it looks now."""
    tried = [bucket.copy() for bucket in buckets]
    found = []
    for _ in range(count):
        start_at = earliest(tried, now + pace.lead)
        found.append(start_at)
        for bucket in tried:
            bucket.take(start_at, start_at + pace.slack)
    return found


def _slack_of(buckets: Sequence[Bucket]) -> timedelta:
    """The slack that costs a limit little: a tenth of its shortest window."""
    shortest = min((window.length for bucket in buckets for window in bucket.windows), default=timedelta(0))
    return min(shortest / 10, MOST_SLACK_OF_A_WINDOW)


def _out_of_turn(buckets: Sequence[Bucket]) -> int:
    """How many posts may overtake others' at a time: what the limit lets through while its turn is handed over."""
    rates = [window.most / window.length.total_seconds() for bucket in buckets for window in bucket.windows]
    return max(int(min(rates, default=1.0) * HANDING_OVER.total_seconds()) - 1, 0)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
