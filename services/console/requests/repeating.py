"""Repeating: one post again and again by the clock of its zone, as single posts with ids of their own. Pure."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count, islice
from typing import Annotated, Literal

from pydantic import Field

from shared.clocks.local_time import in_utc, reading_of, zone_named
from shared.events.base import Value
from shared.events.requests import LocalTime

MOST_TIMES = 100
_SATURDAY = 5


class Every(StrEnum):
    """What lies between two times; `weekday` means every day from Monday to Friday."""

    DAY = "day"
    WEEKDAY = "weekday"
    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH = "month"


class Repeat(Value):
    """How often, counting the first time."""

    every: Annotated[Every, Field(strict=False)]
    times: Annotated[int, Field(ge=1, le=MOST_TIMES)]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time: the wall-clock time, the instant that it means, and how often the clocks show it."""

    local: datetime
    instant: datetime
    reading: Literal["once", "skipped", "twice"]
    is_earlier_day: bool = False
    """Whether the month has no such day, so that its last one is meant."""


def occurrence(at: LocalTime) -> Occurrence:
    """What a wall-clock time means; raises ValueError where there is no such time or zone."""
    local, zone = datetime.fromisoformat(at.local), zone_named(at.zone)
    return Occurrence(local, in_utc(local, zone), reading_of(local, zone))


def occurrences(first: LocalTime, repeat: Repeat) -> list[Occurrence]:
    """All times, by the zone's clock: an hour stays the same hour when the clocks change."""
    start, zone = datetime.fromisoformat(first.local), zone_named(first.zone)
    return [
        Occurrence(local, in_utc(local, zone), reading_of(local, zone), _is_earlier_day(local, start, repeat.every))
        for local in islice(_locals(start, repeat.every), repeat.times)
    ]


def id_of(post_id: str, local: datetime) -> str:
    """The id of the post at this time: the same however often it is asked for, and whatever comes before it."""
    return f"{post_id}.{local:%Y%m%dT%H%M%S}"


def first_id_of(post_id: str, first: LocalTime, every: Every) -> str:
    """The id of the first of the posts that one with this id becomes."""
    return id_of(post_id, next(_locals(datetime.fromisoformat(first.local), every)))


def _is_earlier_day(local: datetime, start: datetime, every: Every) -> bool:
    return every is Every.MONTH and local.day != start.day


def _locals(start: datetime, every: Every) -> Iterator[datetime]:
    match every:
        case Every.DAY:
            return (start + timedelta(days=number) for number in count())
        case Every.WEEKDAY:
            days = (start + timedelta(days=number) for number in count())
            return (day for day in days if day.weekday() < _SATURDAY)
        case Every.WEEK:
            return (start + timedelta(weeks=number) for number in count())
        case Every.FORTNIGHT:
            return (start + timedelta(weeks=2 * number) for number in count())
        case Every.MONTH:
            return (_months_later(start, number) for number in count())


def _months_later(start: datetime, months: int) -> datetime:
    """The same day of a later month, or its last day."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))
