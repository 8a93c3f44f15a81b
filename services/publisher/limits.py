"""Rate limits as reservations: the earliest slot at which a send keeps every window below its limit. No I/O.

A bucket keeps the reservations that still matter. A new one goes where no stretch as long as a window would hold more
than its share, whatever is reserved before it and after it. That is exact for any window, wherever it starts, and it
lets a burst through at once as long as there is room for it. Those who must wait stand in line, a little apart.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.events.requests import AccountLimits

EPOCH = datetime.fromtimestamp(0, UTC)
MOST_REMEMBERED = 300
MARGIN = 0.1
"""Sends start up to some milliseconds after their slot: this share of the window (at most 250 ms) keeps them apart."""
MOST_MARGIN = timedelta(milliseconds=250)
MILLISECOND = timedelta(milliseconds=1)
IN_LINE = timedelta(milliseconds=25)
"""How far apart those leave who must wait, so that they arrive in their order."""


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
    _searched: dict[bool, tuple[int, int]] = field(default_factory=dict)

    @property
    def line(self) -> Window:
        """What keeps those apart who wait: as far as still fills the windows."""
        apart = min([IN_LINE, *(window.apart / window.most for window in self.windows)])
        return Window(1, apart // MILLISECOND * MILLISECOND, margin=0)

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
        longest = max(window.apart for window in [*self.windows, self.line])
        del self.reserved[: bisect_right(self.reserved, _milliseconds(now - longest - EPOCH))]

    def earliest(self, wanted: int, *, in_line: bool) -> int:
        """The earliest free slot at or after the wanted one, `in_line` a little apart from all others.

        What was found full once is not searched again.
        """
        start, found = self._searched.get(in_line, (0, 0))
        if not start <= wanted <= found:
            start, found = wanted, wanted
        slot = self._free(found, [*self.windows, self.line] if in_line else self.windows)
        self._searched[in_line] = (start, slot)
        return slot

    def take(self, slot: int) -> None:
        """Reserve a slot."""
        insort(self.reserved, slot)

    def _free(self, wanted: int, windows: Sequence[Window]) -> int:
        slot = wanted
        while (later := max([slot, *(self._after_conflict(slot, window) for window in windows)])) > slot:
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
    wanted = _milliseconds(wanted_at - EPOCH)
    slot = _earliest(buckets, wanted, in_line=False)
    if slot > wanted or any(bucket.last > wanted for bucket in buckets):
        slot = _earliest(buckets, slot, in_line=True)
    for bucket in buckets:
        bucket.take(slot)
    return datetime.fromtimestamp(slot / 1000, UTC)


def _earliest(buckets: Sequence[Bucket], wanted: int, *, in_line: bool) -> int:
    slot = wanted
    while (later := max(bucket.earliest(slot, in_line=in_line) for bucket in buckets)) > slot:
        slot = later
    return slot


def _milliseconds(stretch: timedelta) -> int:
    """Rounded up, so that a slot is never before the instant that was wanted, nor too close to another."""
    return -(-stretch // MILLISECOND)
