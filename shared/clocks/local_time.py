"""Local times in IANA zones: arithmetic is done in UTC, and daylight saving never loses or doubles a moment."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

_SECOND = timedelta(seconds=1)


class UnknownZone(ValueError):
    """No such IANA zone."""


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime"})  # this machine's zone is not the sender's


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone, or UnknownZone with an example of what is meant."""
    if name not in _known_zones():
        raise UnknownZone(f"unknown time zone {name!r}: use an IANA name such as 'Europe/Berlin' or 'UTC'")
    return ZoneInfo(name)


def reading_of(local: datetime, zone: ZoneInfo) -> Literal["once", "skipped", "twice"]:
    """How often the zone's clocks show this time: those in the spring gap never, those in the autumn fold twice."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return "once"
    return "twice" if first < second else "skipped"


def in_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time; in the spring gap the first after it, in the autumn fold the first of two."""
    aware = local.replace(tzinfo=zone, fold=0)
    instant = aware.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    return _end_of_gap(local, zone)


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """The transition lies between the two readings of a time that no clock showed: find it by halving.

    In whole seconds, as transitions are: with fractions the halves would stop getting smaller before they are one.
    """
    readings = [local.replace(tzinfo=zone, fold=fold, microsecond=0).astimezone(UTC) for fold in (0, 1)]
    before, after = min(readings), max(readings)
    old_offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old_offset:
            before = middle
        else:
            after = middle
    return after
