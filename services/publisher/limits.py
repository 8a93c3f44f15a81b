"""Rate limits as reservations: the earliest slot at which a send keeps every window below its limit. No I/O.

A bucket keeps its latest reservations; the n-th last of them must lie a whole window before the next. That is exact for
any window, wherever it starts, and it lets a burst through at once as long as the window has room for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.events.requests import AccountLimits

EPOCH = datetime.fromtimestamp(0, UTC)
MOST_REMEMBERED = 300
MARGIN = 0.05
"""Sends start up to some milliseconds after their slot: this share of the window (at most 250 ms) keeps them apart."""
MOST_MARGIN = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` sends in any stretch of time this long."""

    most: int
    length: timedelta

    @property
    def apart(self) -> timedelta:
        """How far a reservation must lie behind the one `most` before it."""
        return self.length + min(self.length * MARGIN, MOST_MARGIN)


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
    """The latest reservations of one account, oldest first, as milliseconds since the epoch."""

    windows: Sequence[Window]
    reserved: list[int]

    def reserve(self, wanted_at: datetime) -> datetime:
        """Take the earliest free slot at or after the wanted instant."""
        slot = max([_milliseconds(wanted_at - EPOCH), *(self._earliest(window) for window in self.windows)])
        self.reserved.append(slot)
        self.reserved.sort()
        del self.reserved[: -max((window.most for window in self.windows), default=1)]
        return datetime.fromtimestamp(slot / 1000, UTC)

    def _earliest(self, window: Window) -> int:
        if len(self.reserved) < window.most:
            return 0
        return self.reserved[-window.most] + _milliseconds(window.apart)


def _milliseconds(stretch: timedelta) -> int:
    """Rounded up, so that a slot is never before the instant that was wanted, nor too close to another."""
    return -(-stretch // timedelta(milliseconds=1))
