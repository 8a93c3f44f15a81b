"""Rate limits as reservations: the earliest slot at which a send keeps every window below its limit. No I/O.

A bucket keeps the reservations that still matter. A new one goes where no stretch as long as a window would hold more
than its share, whatever is reserved before it and after it. That is exact for any window, wherever it starts, and it
lets a burst through as long as there is room for it. The posts of one account stand in line, a little apart.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.events.requests import AccountLimits

EPOCH = datetime.fromtimestamp(0, UTC)
MOST_REMEMBERED = 300
MARGIN = 0.1
"""Sends start up to some milliseconds after their slot: this share of the window (at most 250 ms) keeps them apart."""
MOST_MARGIN = timedelta(milliseconds=250)
MILLISECOND = timedelta(milliseconds=1)
IN_LINE = timedelta(milliseconds=25)
"""How far apart the posts of an account leave, so that they arrive in their order."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` sends in any stretch of time this long."""

    most: int
    length: timedelta
    margin: float = MARGIN

    @property
    def apart(self) -> timedelta:
        """How far a reservation must lie behind the one `most` before it."""
        return self.length + min(self.length * self.margin, MOST_MARGIN)


def windows_of(limits: Mapping[str, int]) -> tuple[Window, ...]:
    """The windows of an account's `limits`; a large limit is split into shorter windows, which are stricter."""
    lengths = {"per_second": 1, "per_minute": 60, "per_day": 86400}
    given = [(limits[name], timedelta(seconds=length)) for name, length in lengths.items() if limits.get(name)]
    return tuple(_split(most, length) for most, length in given)


def in_line(windows: Sequence[Window]) -> tuple[Window, ...]:
    """The windows, and one that keeps sends apart: as far as still fills them all."""
    apart = min([IN_LINE, *(window.apart / window.most for window in windows)]) // MILLISECOND * MILLISECOND
    return (*windows, Window(1, apart, margin=0)) if apart else tuple(windows)


def limits_of(limits: AccountLimits | None) -> dict[str, int]:
    """The limits that are set."""
    return limits.model_dump(exclude_none=True) if limits else {}


def _split(most: int, length: timedelta) -> Window:
    parts = -(-most // MOST_REMEMBERED)
    return Window(most // parts, length / parts)


@dataclass(slots=True)
class Bucket:
    """The reservations of one account, or of one app, in order, as milliseconds since the epoch."""

    windows: Sequence[Window]
    reserved: list[int]
    _searched: tuple[int, int] = (0, 0)

    @property
    def last(self) -> int:
        """The latest reservation."""
        return self.reserved[-1] if self.reserved else 0

    def holds(self, slot_at: datetime) -> bool:
        """Whether this slot is reserved."""
        slot = _milliseconds(slot_at - EPOCH)
        position = bisect_left(self.reserved, slot)
        return position < len(self.reserved) and self.reserved[position] == slot

    def reserve(self, wanted_at: datetime) -> datetime:
        """Take the earliest free slot at or after the wanted instant."""
        return reserve([self], wanted_at)

    def forget(self, now: datetime) -> None:
        """Drop what is too long ago to matter."""
        longest = max((window.apart for window in self.windows), default=MILLISECOND)
        del self.reserved[: bisect_right(self.reserved, _milliseconds(now - longest - EPOCH))]

    def earliest(self, wanted: int) -> int:
        """The earliest free slot at or after the wanted one; what was found full once is not searched again."""
        start, found = self._searched
        if not start <= wanted <= found:
            start, found = wanted, wanted
        slot = self._free(found)
        self._searched = (start, slot)
        return slot

    def take(self, slot: int) -> None:
        """Reserve a slot."""
        insort(self.reserved, slot)

    def _free(self, wanted: int) -> int:
        slot = wanted
        while (later := max([slot, *(self._after_conflict(slot, window) for window in self.windows)])) > slot:
            slot = later
        return slot

    def _after_conflict(self, slot: int, window: Window) -> int:
        """When the latest run of reservations is over that would be one too many with this slot; 0 where none is."""
        reserved, most, apart = self.reserved, window.most, _milliseconds(window.apart)
        position = bisect_right(reserved, slot)
        for first in range(min(position, len(reserved) - most), max(0, position - most) - 1, -1):
            if max(reserved[first + most - 1], slot) - min(reserved[first], slot) < apart:
                return reserved[first] + apart
        return 0


def reserve(buckets: Sequence[Bucket], wanted_at: datetime) -> datetime:
    """Take the earliest slot at or after the wanted instant that is free in all of the buckets."""
    slot = _milliseconds(wanted_at - EPOCH)
    while (later := max(bucket.earliest(slot) for bucket in buckets)) > slot:
        slot = later
    for bucket in buckets:
        bucket.take(slot)
    return datetime.fromtimestamp(slot / 1000, UTC)


def _milliseconds(stretch: timedelta) -> int:
    """Rounded up, so that a slot is never before the instant that was wanted, nor too close to another."""
    return -(-stretch // MILLISECOND)
