"""Cron expressions as people write them, made into what cronsim takes. No I/O.

Understood beside the five fields (six with seconds): `@daily` and its like, `?`, names of months and days, `L`, `LW`,
`5L` or `FRIL`, `MON#2`, and ranges that pass the end, such as `SAT-SUN` or `22-2`.
"""

import re
from datetime import datetime
from functools import lru_cache

from cronsim import CronSim, CronSimError
from cronsim.cronsim import SYMBOLIC_DAYS, SYMBOLIC_MONTHS

SHORTHANDS = {
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
    "@MONTHLY": "0 0 1 * *",
    "@WEEKLY": "0 0 * * 0",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@HOURLY": "0 * * * *",
}
FIVE, SIX = 5, 6
SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY = range(-6, 0)
ALL_HOURS = 24
RANGES = {SECOND: (0, 59), MINUTE: (0, 59), HOUR: (0, 23), DAY: (1, 31), MONTH: (1, 12), WEEKDAY: (0, 6)}
"""The first and the last value of each field, counted from the end: the seconds may be left out."""
NAMES = {
    SECOND: "second",
    MINUTE: "minute",
    HOUR: "hour",
    DAY: "day of the month",
    MONTH: "month",
    WEEKDAY: "day of the week",
}
FIELDS = (
    "give minute, hour, day of the month, month and day of the week, such as '*/5 * * * *', "
    f"or one of {', '.join(SHORTHANDS).lower()}"
)
NEAREST_WEEKDAY = re.compile(r"\d+W")
BEFORE_THE_LAST = re.compile(r"L-\d+W?")
_ANY_TIME = datetime(2000, 1, 1)  # noqa: DTZ001  (a reading of clocks, as cronsim takes it)
_RANGE = re.compile(r"(?P<first>\d+)-(?P<last>\d+)(?:/(?P<step>\d+))?")
_FULL_DAYS = ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"]


class BadCron(ValueError):
    """No cron expression, or one that never comes."""


@lru_cache
def understood(cron: str) -> str:
    """The expression in cronsim's words; BadCron says what is wrong and what could be written instead."""
    fields = SHORTHANDS.get(cron.strip().upper(), cron.upper()).split()
    if len(fields) not in (FIVE, SIX):
        few_or_many = "few" if len(fields) < FIVE else "many"
        raise BadCron(f"{cron!r} is no cron expression (too {few_or_many} fields): {FIELDS}")
    plain = [_field(cron, place, field) for place, field in enumerate(fields, start=-len(fields))]
    try:
        hours = CronSim(" ".join(plain), _ANY_TIME).hours
    except CronSimError as error:
        raise BadCron(f"{cron!r} is no cron expression ({_lower(str(error))}): {FIELDS}") from error
    if len(hours) == ALL_HOURS:  # as in */1 and 0-23
        plain[HOUR] = "*"
    return " ".join(plain)


def is_every_hour(plain: str) -> bool:
    """Whether an expression in cronsim's words names no hours."""
    return plain.split()[HOUR] == "*"


def _field(cron: str, place: int, field: str) -> str:
    if field == "?" and place in (DAY, WEEKDAY):
        return "*"
    return ",".join(_term(cron, place, _with_numbers(place, term)) for term in field.split(","))


def _with_numbers(place: int, term: str) -> str:
    """Names of days and months as numbers, which cronsim takes everywhere."""
    if place == WEEKDAY:
        for number, (short, full) in enumerate(zip(SYMBOLIC_DAYS, _FULL_DAYS, strict=True)):
            term = term.replace(full, str(number)).replace(short, str(number))
    if place == MONTH:
        for number, short in enumerate(SYMBOLIC_MONTHS, start=1):
            term = term.replace(short, str(number))
    return term


def _term(cron: str, place: int, term: str) -> str:
    if place == DAY and NEAREST_WEEKDAY.fullmatch(term):
        raise BadCron(
            f"{cron!r}: the weekday nearest to a day ({term}) is not supported: give a day ({term[:-1]}), LW for the "
            "month's last weekday, or a day of the week (MON#3 is the month's third Monday)"
        )
    if place == DAY and BEFORE_THE_LAST.fullmatch(term):
        raise BadCron(f"{cron!r}: days before the last ({term}) are not supported: give L for the last, LW, or a day")
    if place == WEEKDAY and term == "L":
        raise BadCron(f"{cron!r}: say of which day of the week the last is meant: 6L or SATL is the last Saturday")
    if (given := _RANGE.fullmatch(term)) and int(given["first"]) > int(given["last"]):
        values = _past_the_end(place, int(given["first"]), int(given["last"]))
        if not values or (given["step"] and int(given["step"]) == 0):
            lowest, highest = RANGES[place]
            raise BadCron(f"{cron!r}: {term} is no {NAMES[place]}: they go from {lowest} to {highest}")
        return ",".join(map(str, values[:: int(given["step"] or 1)]))
    return term


def _past_the_end(place: int, first: int, last: int) -> list[int]:
    """The values of a range that begins again at the field's first value; none where an end of it is out of bounds."""
    lowest, highest = RANGES[place]
    is_sunday = place == WEEKDAY and first == highest + 1
    if not is_sunday and (first > highest or last < lowest):
        return []
    return [*range(first, highest + 1), *range(lowest, last + 1)]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
