"""Days on a wall calendar: which a view shows, when they begin and end, and where one goes from them. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.console.shown_times import on_clock
from shared.clocks.local_time import in_utc

VIEWS = ("month", "week", "day")
DAY = timedelta(days=1)
WEEK = 7
EARLIEST, LATEST = date(1970, 1, 15), date(9998, 12, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """The days that a view of the calendar shows around one of them."""

    view: str
    around: date

    @property
    def days(self) -> list[date]:
        """In their order; a month is shown in whole weeks from Monday on."""
        first, last = self._ends()
        return [first + number * DAY for number in range((last - first).days + 1)]

    @property
    def title(self) -> str:
        """What is shown, as people call it."""
        if self.view == "month":
            return f"{self.around:%B %Y}"
        if self.view == "day":
            return f"{self.around:%A}, {self.around.day} {self.around:%B %Y}"
        first, last = self._ends()
        return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"

    def moved(self, steps: int) -> date:
        """The day around which the view before or after this one stands."""
        if self.view == "month":
            months = self.around.year * 12 + self.around.month - 1 + steps
            return _within(date(months // 12, months % 12 + 1, 1))
        return _within(self.around + steps * (WEEK if self.view == "week" else 1) * DAY)

    def is_outside(self, day: date) -> bool:
        """Whether the day belongs to another month than the one that is shown."""
        return self.view == "month" and day.month != self.around.month

    def _ends(self) -> tuple[date, date]:
        if self.view == "day":
            return self.around, self.around
        if self.view == "week":
            first = self.around - self.around.weekday() * DAY
            return first, first + 6 * DAY
        first = self.around.replace(day=1)
        last = (first + 31 * DAY).replace(day=1) - DAY
        return first - first.weekday() * DAY, last + (6 - last.weekday()) * DAY


def span_of(view: str, wanted: str, today: date) -> Span:
    """What is asked for, as far as it makes sense; else this month, and today."""
    try:
        around = _within(date.fromisoformat(wanted)) if wanted else today
    except ValueError:
        around = today
    return Span(view if view in VIEWS else VIEWS[0], around)


def begins(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day in a zone; where its midnight is skipped, the first after it."""
    return in_utc(datetime.combine(day, time()), zone)


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The day that people in the zone have at an instant."""
    return on_clock(instant, zone).date()


def change_of_clocks(day: date, zone: ZoneInfo) -> str | None:
    """What people should know of a day on which the clocks change."""
    length = begins(day + DAY, zone) - begins(day, zone)
    if length == DAY:
        return None
    shift = abs(length - DAY)
    way = "forward" if length < DAY else "back"
    return f"clocks go {way} by {int(shift / timedelta(minutes=1))} min"


def _within(day: date) -> date:
    return min(max(day, EARLIEST), LATEST)
