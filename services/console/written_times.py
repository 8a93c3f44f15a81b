"""Times as people write them on a command line or in a table, as the `publish_at` of a request."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from shared.clocks.local_time import UnknownZone, in_utc, zone_named

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_DATE = re.compile(r"\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d(-?\d)?")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

_MOST_SHOWN = 30

PublishAt = str | dict[str, str] | None


class UnreadableTime(ValueError):
    """The text is no time; the message says how to write one."""


def publish_at(at: str | None, zone: str | None, in_: str | None, *, now: datetime, own_zone: str | None) -> PublishAt:
    """What `--at`, `--zone` and `--in` mean together; None is now. A local time without a zone is in `own_zone`."""
    if in_ is not None:
        if at or zone:
            raise UnreadableTime("--in counts from now: it goes without --at and --zone")
        with _of("--in"):
            return _after(now, in_)
    if at is None:
        if zone:
            raise UnreadableTime("--zone is the zone of --at: give --at too")
        return None
    if zone:
        with _of("--zone"):
            _known(zone)
    with _of("--at"):
        return instant_or_local(at, zone or (own_zone if is_without_zone(at) else None))


def _after(now: datetime, in_: str) -> str:
    try:
        return (now + duration_in(in_)).isoformat()
    except OverflowError:
        raise _too_far(in_) from None


def _too_far(text: str) -> UnreadableTime:
    shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return UnreadableTime(f"{shown!r} reaches beyond the year 9999: write less, such as 90s, 1h30m or 2d")


@contextmanager
def _of(option: str) -> Iterator[None]:
    try:
        yield
    except UnreadableTime as error:
        raise UnreadableTime(f"{option}: {error}") from error


def instant_or_local(at: str, zone: str | None) -> str | dict[str, str]:
    """`2027-03-28T09:00+02:00` as it is; `2027-03-28 09:00` in a zone as a local time of that zone."""
    moment = _moment(at)
    if moment.tzinfo is None and not zone:
        raise UnreadableTime(f"{at!r} has no offset: add one (…+02:00, …Z) or name a zone such as Europe/Berlin")
    if moment.tzinfo is not None and zone:
        raise UnreadableTime(f"{at!r} has an offset already: leave the zone out")
    if not zone:
        return moment.isoformat()
    return {"local": moment.isoformat(), "zone": _known(zone)}


def instant_of(local: str, zone: str) -> str:
    """The instant of a local time that was read."""
    try:
        return in_utc(datetime.fromisoformat(local), zone_named(zone)).isoformat()
    except OverflowError:
        raise UnreadableTime(
            f"{local!r} in {zone} is outside the years 1 to 9999 in UTC; choose another time"
        ) from None


def is_without_zone(at: str) -> bool:
    """Whether the text is a local time that does not say of which place."""
    with suppress(UnreadableTime):
        return _moment(at).tzinfo is None
    return False


def _moment(at: str) -> datetime:
    text = at.strip()
    if _DATE.fullmatch(text):
        raise UnreadableTime(f"{at!r} is a day without a time: write {text} 09:00")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableTime(
            f"{at!r} is no time: write 2027-03-28T09:00+02:00, or 2027-03-28 09:00 and a zone"
        ) from None


def _known(zone: str) -> str:
    try:
        zone_named(zone)
    except UnknownZone as error:
        raise UnreadableTime(str(error)) from error
    return zone


def duration_in(text: str) -> timedelta:
    """`90s`, `1h30m`, `2d`."""
    compact = text.replace(" ", "")
    amounts = _AMOUNT.findall(compact)
    if not amounts or "".join(amount + unit for amount, unit in amounts) != compact:
        raise UnreadableTime(f"{text!r} is no duration: write 90s, 5m, 1h30m or 2d")
    try:
        total: Any = sum((float(amount) * _UNITS[unit] for amount, unit in amounts), timedelta())
    except OverflowError:
        raise _too_far(text) from None
    return timedelta(microseconds=round(total / timedelta(microseconds=1)))


def shift_in(text: str) -> tuple[int, int]:
    """How far `2d`, `-90m` or `1d12h` is: days, which keep the time on the clock, and real seconds."""
    compact = text.replace(" ", "")
    way, size = (-1, compact[1:]) if compact.startswith("-") else (1, compact.removeprefix("+"))
    whole = duration_in(size)
    days = sum((float(amount) * _UNITS[unit] for amount, unit in _AMOUNT.findall(size) if unit in "dw"), timedelta())
    rest = (whole - days).total_seconds()
    if days.seconds or rest != int(rest):
        raise UnreadableTime(f"{text!r} is no move: write whole days and seconds, such as 2d, -90m or 1d12h")
    return way * days.days, way * int(rest)
