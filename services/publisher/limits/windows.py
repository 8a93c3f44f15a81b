"""The windows of a limit: at most so many sends in any stretch of time so long. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.events.requests import AccountLimits

MARGIN = 0.05
"""Requests travel for some milliseconds: this share of the window (at most 125 ms) keeps them apart as they arrive."""
MOST_MARGIN = timedelta(milliseconds=125)
MOST_REMEMBERED = 300
SHORTEST_PART = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` sends in any stretch of time this long."""

    most: int
    length: timedelta

    @property
    def apart(self) -> timedelta:
        """How long after the end of one send the one `most` behind it may start."""
        return self.length + min(self.length * MARGIN, MOST_MARGIN)


def windows_of(limits: Mapping[str, int]) -> tuple[Window, ...]:
    """The windows of `limits`; a large limit over a long time is split into shorter windows, which are stricter."""
    lengths = {"per_second": 1, "per_minute": 60, "per_day": 86400}
    given = [(limits[name], timedelta(seconds=length)) for name, length in lengths.items() if limits.get(name)]
    return tuple(_split(most, length) for most, length in given)


def limits_of(limits: AccountLimits | None) -> dict[str, int]:
    """The limits that are set."""
    return limits.model_dump(exclude_none=True) if limits else {}


def _split(most: int, length: timedelta) -> Window:
    parts = max(1, min(-(-most // MOST_REMEMBERED), length // SHORTEST_PART))
    return Window(most // parts, length / parts)
