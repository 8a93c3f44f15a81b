"""Hours of days on a wall clock, which may be skipped or come twice, and what is side by side in them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import TypeVar
from zoneinfo import ZoneInfo

from services.console.web.days import DAY, begins
from shared.clocks.local_time import in_utc

HOUR = timedelta(hours=1)
HOURS = range(24)

ThingT = TypeVar("ThingT")


@dataclass(frozen=True, slots=True)
class Hour:
    """From when to when a clock in the zone shows this hour of the day."""

    number: int
    begins: datetime
    ends: datetime

    @property
    def length(self) -> timedelta:
        return self.ends - self.begins

    @property
    def change(self) -> str | None:
        """What people should know of an hour in which the clocks change."""
        if self.length == HOUR:
            return None
        minutes = int(abs(self.length - HOUR) / timedelta(minutes=1))
        if self.length > HOUR:
            return "comes twice: the clocks go back" if minutes == 60 else f"{minutes} min come twice"  # noqa: PLR2004
        return "is skipped: the clocks go forward" if not self.length else f"{minutes} min are skipped"


def hours_of(day: date, zone: ZoneInfo) -> list[Hour]:
    """The 24 hours of a day; one that the clocks skip has no length, one that comes twice two hours."""
    edges = [in_utc(datetime.combine(day, time(number)), zone) for number in HOURS] + [begins(day + DAY, zone)]
    return [Hour(number, edges[number], edges[number + 1]) for number in HOURS]


def most_of_each(counts: Sequence[int], together: int) -> int:
    """How many of each may be shown so that no more than this are shown together, and at least one of each."""
    most = max(counts, default=0)
    while most > 1 and sum(min(count, most) for count in counts) > together:
        most -= 1
    return max(most, 1)


def side_by_side(things: Sequence[tuple[datetime, ThingT]]) -> list[list[ThingT]]:
    """What is at the same minute together, minute by minute."""
    by_minute = groupby(things, key=lambda one: one[0].replace(second=0, microsecond=0))
    return [[thing for _, thing in together] for _, together in by_minute]
