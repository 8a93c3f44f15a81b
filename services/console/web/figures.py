"""Statistics as people read them: local days and hours as periods, and states in groups. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.console.domain.posts import COMING, DROPPED, TO_DECIDE
from services.console.read_model.statistics import Figures, Period
from services.console.shown_times import duration
from services.console.web import words
from services.console.web.charts import Column, Range
from services.console.web.days import DAY, WEEK, begins, day_of
from shared.events.progress import State

HOUR = timedelta(hours=1)
LAST_HOURS = 48
MOST_DAYS = 91
MOST_COLUMNS = 31
"""As many days are shown one by one; more are shown by the week."""
USUAL_DAYS = 30

GROUPS: Sequence[tuple[str, str, Sequence[State]]] = (
    ("Published", "good", (State.PUBLISHED,)),
    ("Failed", "bad", (State.FAILED,)),
    ("To decide", "wait", TO_DECIDE),
    ("Dropped", "quiet", DROPPED),
    ("To come", "active", COMING),
)
"""As the list of posts has them: the name, the colour, and the states it means."""
KINDS = [kind for _, kind, _ in GROUPS]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its name, and what became of its posts."""

    name: str
    figures: Figures

    @property
    def counts(self) -> Mapping[str, int]:
        """By the name of each group."""
        return {name: sum(self.figures.states[state] for state in states) for name, _, states in GROUPS}

    @property
    def said(self) -> str:
        """`Fri 27 Nov: 3 published, 1 failed`"""
        there = [f"{count:,} {name.lower()}" for name, count in self.counts.items() if count]
        return f"{self.name}: {', '.join(there) or 'no posts'}"


def days_asked(text: str) -> int:
    """How many days are to be shown, 30 unless something sensible is asked for."""
    return min(max(int(text), 1), MOST_DAYS) if text.isascii() and text.isdecimal() and len(text) < 9 else USUAL_DAYS  # noqa: PLR2004


def days_in_a_column(count: int) -> int:
    """How many days are shown as one: a day, or a week where there are many."""
    return 1 if count <= MOST_COLUMNS else WEEK


def last_days(now: datetime, zone: ZoneInfo, count: int) -> list[tuple[date, Period]]:
    """The last days in the zone, or weeks if they are many, the last of them ending today.

    Each has the hours of UTC that begin in it, by which is counted.
    """
    step = days_in_a_column(count)
    after = day_of(now, zone) + DAY
    firsts = [after - number * step * DAY for number in range(math.ceil(count / step), 0, -1)]
    return [(first, Period(begins(first, zone), begins(first + step * DAY, zone))) for first in firsts]


def last_hours(now: datetime) -> list[Period]:
    """The last hours of UTC, the present one the last."""
    present = now.replace(minute=0, second=0, microsecond=0)
    return [Period(present - number * HOUR, present - (number - 1) * HOUR) for number in reversed(range(LAST_HOURS))]


def minutes_past(days: Sequence[tuple[date, Period]]) -> int:
    """How many minutes after an hour of UTC a day begins here: those count for the day before."""
    return max((period.begins_at.minute and 60 - period.begins_at.minute) for _, period in days)


def name_of(first: date, step: int, today: date) -> str:
    """`Fri 27 Nov`, or `23 Nov to 29 Nov` for a week, with the year where it is another one."""
    if step == 1:
        return f"{first:%a} {_short(first, today)}"
    return f"{_short(first, today)} to {_short(first + (step - 1) * DAY, today)}"


def _short(day: date, today: date) -> str:
    return f"{day.day} {day:%b}" if day.year == today.year else f"{day.day} {day:%b %Y}"


def column_of(row: Row, label: str) -> Column:
    """The row as a column of a chart."""
    counts = row.counts
    return Column(label, row.said, {kind: counts[name] for name, kind, _ in GROUPS})


def range_of(row: Row, label: str) -> Range:
    """The row's lateness as a column of a chart."""
    told = row.figures.lateness
    if not told.count:
        return Range(label, f"{row.name}: nothing was sent")
    half, nearly_all, worst = map(duration, (told.p50, told.p99, told.worst))
    posts = words.count(told.count, "post")
    said = f"{row.name}: half of {posts} within {half}, 99 % within {nearly_all}, all within {worst}"
    return Range(label, said, told.p50, told.p99, told.worst)
