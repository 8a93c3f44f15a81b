"""A bucket: the reservations of one account, or of one app, and the earliest start that its windows allow. No I/O.

A reservation lets one send begin from its start to its latest instant. The one `most` behind it may start
a window after that latest instant: exact, however late within its reservation each send begins.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.publisher.limits.windows import Window

EPOCH = datetime.fromtimestamp(0, UTC)
MILLISECOND = timedelta(milliseconds=1)
IN_LINE = timedelta(milliseconds=25)
"""How far apart the posts of an account start, so that they arrive in their order; less where many of them wait."""
SPREAD_OVER = timedelta(seconds=1)
FURTHEST = timedelta(minutes=2)
"""How far ahead a start is given at most, and clocks of replicas may differ. What lies further is of a clock that was
wrong: its sends count as of now, so that an account waits as long as its windows, not until the clock gets there."""


@dataclass(slots=True)
class Bucket:
    """Reservations, in order, as milliseconds since the epoch: the latest instant of each, and the last start."""

    windows: Sequence[Window]
    latest: list[int] = field(default_factory=list)
    last_start: int = 0
    waiting: int = 1
    """How many posts wait for it here."""

    @classmethod
    def of(cls, windows: Sequence[Window], kept: Mapping[str, Any], now: datetime, *, waiting: int) -> "Bucket":
        """The bucket as it is kept, and how many posts wait for it here."""
        present, latest, last_start = _milliseconds(now - EPOCH), kept.get("latest", ()), kept.get("last_start", 0)
        if last_start > present + _milliseconds(FURTHEST):
            latest, last_start = [min(one, present) for one in latest], present
        return cls(windows, list(latest), last_start, waiting)

    def kept(self) -> dict[str, Any]:
        """What is kept of it: no more than its windows look back on."""
        most = max((window.most for window in self.windows), default=0)
        longest = max((window.apart for window in self.windows), default=timedelta(0))
        first = max(len(self.latest) - most, bisect_right(self.latest, self.last_start - _milliseconds(longest)))
        return {"latest": self.latest[first:], "last_start": self.last_start}

    def earliest(self, wanted_at: datetime) -> datetime:
        """The earliest start at or after the wanted instant."""
        return _instant(max(_milliseconds(wanted_at - EPOCH), *self._bounds()))

    def take(self, start_at: datetime, latest_at: datetime) -> None:
        """Reserve a start found by `earliest`."""
        self.last_start = max(self.last_start, _milliseconds(start_at - EPOCH))
        self.latest.append(max(_milliseconds(latest_at - EPOCH), self.latest[-1] if self.latest else 0))

    def copy(self) -> "Bucket":
        """One to try out on."""
        return replace(self, latest=list(self.latest))

    def _bounds(self) -> list[int]:
        return [self.last_start + self._spacing(), *map(self._free_from, self.windows)]

    def _free_from(self, window: Window) -> int:
        """When the window has room again."""
        has_room = len(self.latest) < window.most
        return 0 if has_room else self.latest[-window.most] + _milliseconds(window.apart)

    def _spacing(self) -> int:
        """As far apart as spreads those that wait over a second, unless the windows allow less or want more.

        In milliseconds, rounded down: the windows keep the limits, and a fast one is not to be halved.
        """
        least = min((window.length / window.most for window in self.windows), default=timedelta(0))
        return max(min(IN_LINE, max(least, SPREAD_OVER / max(self.waiting, 1))) // MILLISECOND, 1)


def earliest(buckets: Sequence[Bucket], wanted_at: datetime) -> datetime:
    """The earliest start at or after the wanted instant that all buckets allow."""
    return max((bucket.earliest(wanted_at) for bucket in buckets), default=wanted_at)


def _milliseconds(stretch: timedelta) -> int:
    """Rounded up, so that nothing starts before the instant that was wanted, nor too close to another."""
    return -(-stretch // MILLISECOND)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
