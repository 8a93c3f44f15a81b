"""Who of a limited account's posts may start when, in the order they are due, whichever replica has them. No I/O.

Each replica tells, beside the reservations, when its first posts are due that have no start. Whoever asks gives starts
to all posts in due order: its own get theirs at once, those of others are kept for the replica that has them.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.publisher.limits.bucket import FURTHEST, Bucket, earliest
from services.publisher.limits.pace import Pace

ASK_AGAIN_IN = timedelta(milliseconds=30)
"""When a replica that got no start asks again at the earliest."""
ASKS_WITHIN = timedelta(seconds=5)
"""When it asks at the latest, however long the limit has no room: others see that it is still there."""
TOLD_LASTS = timedelta(seconds=2)
"""For how long after that starts are kept for a replica that does not ask any more."""
LEAST_SPAN = timedelta(milliseconds=250)
"""Over how long a stretch starts are given at once; over a longer one where the lead is longer."""
MOST_TOLD = 100
MOST_SLACK_OF_A_WINDOW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Start:
    """A send may begin from `start_at` to `latest_at`. It is for whichever post of its replica is due first then."""

    start_at: datetime
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a replica tells of an account, believed until then: when posts without a start are due, and how slow it is.

    `starts` are kept for it until it asks.
    """

    due: tuple[datetime, ...]
    lead: timedelta
    slack: timedelta
    until: datetime
    starts: tuple[Start, ...] = ()

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Told":
        """As it is kept."""
        return cls(
            tuple(map(datetime.fromisoformat, kept["due"])),
            timedelta(seconds=kept["lead"]),
            timedelta(seconds=kept["slack"]),
            datetime.fromisoformat(kept["until"]),
            tuple(Start(*map(datetime.fromisoformat, one)) for one in kept["starts"]),
        )

    def kept(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "due": [due.isoformat() for due in self.due],
            "lead": self.lead.total_seconds(),
            "slack": self.slack.total_seconds(),
            "until": self.until.isoformat(),
            "starts": [[one.start_at.isoformat(), one.latest_at.isoformat()] for one in self.starts],
        }

    def with_start(self, start: Start) -> "Told":
        """With a start kept for its first post."""
        return replace(self, due=self.due[1:], starts=(*self.starts, start))


@dataclass(frozen=True, slots=True)
class Replicas:
    """What the replicas tell of an account; left out are those that do not ask any more, or whose clock is wrong."""

    ours: str
    told: Mapping[str, Told]

    @classmethod
    def of(cls, kept: Mapping[str, Any], *, ours: str, now: datetime) -> "Replicas":
        """As they are kept."""
        told = {name: Told.of(one) for name, one in kept.items()}
        return cls(ours, {name: one for name, one in told.items() if now <= one.until <= now + FURTHEST})

    def kept(self) -> dict[str, Any]:
        """As they are kept."""
        return {name: one.kept() for name, one in self.told.items()}

    @property
    def others(self) -> dict[str, Told]:
        """All but ours."""
        return {name: one for name, one in self.told.items() if name != self.ours}

    def starts(self, now: datetime) -> list[Start]:
        """What others have kept for us and is not over."""
        told = self.told.get(self.ours)
        return [one for one in told.starts if now < one.latest_at < now + FURTHEST] if told else []


@dataclass(frozen=True, slots=True)
class Given:
    """Starts for the first posts of our replica, when to ask for the next, and what is told of all replicas then."""

    starts: tuple[Start, ...]
    next_at: datetime
    replicas: Replicas


def given(
    waiting: Sequence[datetime], buckets: Sequence[Bucket], replicas: Replicas, pace: Pace, now: datetime
) -> Given:
    """Give starts to posts that are due at these instants, earliest first, as far ahead as the slowest replica needs.

    Where others wait too, `LEAST_SPAN` further ahead: fast ones ask that seldom, and must find in time what is theirs.
    """
    starts, others = replicas.starts(now), replicas.others
    left = deque(waiting[len(starts) :])
    lead = max([pace.lead, *(one.lead for one in others.values())])
    slack = max([pace.slack, _slack_of(buckets), *(one.slack for one in others.values())])
    ahead = lead + LEAST_SPAN if others else lead
    first, last, next_at = now + ahead, now + ahead + max(LEAST_SPAN, lead), now + ASK_AGAIN_IN
    while left:
        due, name = min([(left[0], replicas.ours), *((one.due[0], name) for name, one in others.items() if one.due)])
        start_at = earliest(buckets, max(due, first))
        if start_at > last:
            next_at = min(max(start_at - ahead, next_at), now + ASKS_WITHIN)
            break
        start = Start(start_at, start_at + slack)
        for bucket in buckets:
            bucket.take(start.start_at, start.latest_at)
        if name == replicas.ours:
            starts.append(start)
            left.popleft()
        else:
            others[name] = others[name].with_start(start)
    if left:
        until = next_at + TOLD_LASTS + 2 * lead
        others[replicas.ours] = Told(tuple(left)[:MOST_TOLD], pace.lead, pace.slack, until)
    return Given(tuple(starts), next_at, Replicas(replicas.ours, others))


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
