"""Days in a time zone: where they begin, and which are to be added up. No I/O."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.clocks.local_time import in_utc

ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day with the instants between which it lies."""

    name: str
    start: datetime
    end: datetime


def day_of(on: date, zone: ZoneInfo) -> Day:
    """The calendar day in the zone; where midnight is skipped it begins with the first instant there is."""
    start, end = (in_utc(datetime.combine(one, time()), zone) for one in (on, on + ONE))
    return Day(on.isoformat(), start, end)


def days_to_add_up(oldest: datetime, now: datetime, zone: ZoneInfo) -> list[Day]:
    """Every whole day from the oldest fact until yesterday."""
    first, today = oldest.astimezone(zone).date(), now.astimezone(zone).date()
    return [day_of(first + ONE * number, zone) for number in range((today - first).days)]
