"""A figure: what one measurement found on each side, and what it was to reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIMEBALL = "timeball"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reach:
    """A value beside its limit."""

    what: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Is the value on the right side of the limit?"""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        return f"{self.what} {self.value:g} ({'≥' if self.at_least else '≤'} {self.limit:g})"


@dataclass(frozen=True)
class Result:
    """One figure: a row for each side, by name."""

    figure: str
    rows: Mapping[str, Row]
    reaches: list[Reach] = field(default_factory=list)
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)


def ratio(ours: float, theirs: float) -> float:
    """How many times theirs ours is."""
    return round(ours / theirs, 2)


def percentile(ordered: list[float], part: float) -> float:
    """The value that `part` of the sorted values do not exceed, to a hundredth."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)
