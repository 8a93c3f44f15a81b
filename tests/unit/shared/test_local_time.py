"""A wall-clock time means one instant: the first at which that zone's clocks show it, or more than it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clocks.local_time import UnknownZone, in_utc, zone_named

ZONES = sorted(available_timezones() - {"localtime"})
QUARTER = timedelta(minutes=15)
FURTHEST = timedelta(hours=27)
"""More than any clock has been away from UTC."""


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        # an ordinary time
        ("2024-06-01T12:00", "UTC", "2024-06-01T12:00Z"),
        ("2024-06-01T12:00:30.25", "Asia/Kathmandu", "2024-06-01T06:15:30.25Z"),
        # the spring gap: the first instant after it
        ("2024-03-31T01:59:59.999999", "Europe/Berlin", "2024-03-31T00:59:59.999999Z"),
        ("2024-03-31T02:00", "Europe/Berlin", "2024-03-31T01:00Z"),
        ("2024-03-31T02:00:00.5", "Europe/Berlin", "2024-03-31T01:00Z"),
        ("2024-03-31T02:30", "Europe/Berlin", "2024-03-31T01:00Z"),
        ("2024-03-31T02:59:59.999999", "Europe/Berlin", "2024-03-31T01:00Z"),
        ("2024-03-31T03:00", "Europe/Berlin", "2024-03-31T01:00Z"),
        ("2024-03-31T01:30", "Europe/Dublin", "2024-03-31T01:00Z"),
        ("2024-03-10T02:30", "America/New_York", "2024-03-10T07:00Z"),
        ("2024-09-29T03:00", "Pacific/Chatham", "2024-09-28T14:00Z"),
        # a gap of half an hour, and of two
        ("2024-10-06T02:15", "Australia/Lord_Howe", "2024-10-05T15:30Z"),
        ("2024-10-06T02:29:59.5", "Australia/Lord_Howe", "2024-10-05T15:30Z"),
        ("2024-03-31T02:59", "Antarctica/Troll", "2024-03-31T01:00Z"),
        # a gap at midnight
        ("2024-03-10T00:30", "America/Havana", "2024-03-10T05:00Z"),
        ("2024-03-31T00:00", "Asia/Beirut", "2024-03-30T22:00Z"),
        ("2024-04-26T00:59:59", "Africa/Cairo", "2024-04-25T22:00Z"),
        ("2024-09-08T00:30", "America/Santiago", "2024-09-08T04:00Z"),
        # a day that never was
        ("2011-12-30T00:00", "Pacific/Apia", "2011-12-30T10:00Z"),
        ("2011-12-30T12:34:56.7", "Pacific/Apia", "2011-12-30T10:00Z"),
        ("2011-12-30T23:59:59", "Pacific/Apia", "2011-12-30T10:00Z"),
        ("2011-12-31T00:00", "Pacific/Apia", "2011-12-30T10:00Z"),
        # the autumn fold: the first of the two
        ("2024-10-27T02:30", "Europe/Berlin", "2024-10-27T00:30Z"),
        ("2024-10-27T02:59:59.999999", "Europe/Berlin", "2024-10-27T00:59:59.999999Z"),
        ("2024-10-27T03:00", "Europe/Berlin", "2024-10-27T02:00Z"),
        ("2024-11-03T01:30", "America/New_York", "2024-11-03T05:30Z"),
        ("2024-04-07T01:45", "Australia/Lord_Howe", "2024-04-06T14:45Z"),
        ("2024-04-07T02:00", "Australia/Lord_Howe", "2024-04-06T15:30Z"),
        ("2024-11-03T00:30", "America/Havana", "2024-11-03T04:30Z"),
    ],
)
def test_a_local_time_means_the_first_instant_that_shows_it_or_more(local: str, zone: str, instant: str) -> None:
    assert in_utc(datetime.fromisoformat(local), zone_named(zone)) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "Europe", "Europe/", "/Europe/Berlin", "europe/berlin", "Europe/Berlin ", "Mars/Olympus", "x" * 100,
        "../etc/passwd", "/etc/passwd", "localtime", "posix/Europe/Berlin", "tzdata.zi", "Europe/Berlin\x00", "+02:00",
    ],
)  # fmt: skip
def test_a_zone_that_is_not_one_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownZone) as refused:
        zone_named(name)

    assert str(refused.value) == f"unknown time zone {name!r}: use an IANA name such as 'Europe/Berlin' or 'UTC'"


def naive(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in the zone show at an instant."""
    return instant.astimezone(zone).replace(tzinfo=None)


def first_showing(local: datetime, zone: ZoneInfo) -> datetime:
    """The oracle: asks only what clocks show at given instants, never what a local time means."""
    start = local.replace(tzinfo=UTC) - FURTHEST
    looks = [start + number * QUARTER for number in range(2 * FURTHEST // QUARTER)]
    offsets = {naive(look, zone) - look.replace(tzinfo=None) for look in looks}
    showing = [at for offset in offsets if naive(at := local.replace(tzinfo=UTC) - offset, zone) == local]
    if showing:
        return min(showing)
    after = next(look for look in looks if naive(look, zone) > local)
    before = after - QUARTER
    while after - before > timedelta.resolution:
        middle = before + (after - before) / 2
        before, after = (before, middle) if naive(middle, zone) > local else (middle, after)
    return after


def changes_of_year(zone: ZoneInfo, year: int) -> list[datetime]:
    """The local times just before each change of the zone's offset in a year, to a day."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [naive(day, zone) for day, one, next_ in zip(days, offsets, offsets[1:], strict=False) if one != next_]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(ZONES).map(ZoneInfo),
    st.datetimes(datetime(1850, 1, 1), datetime(2150, 1, 1)),  # noqa: DTZ001
)
def test_any_local_time_in_any_zone_agrees_with_the_clocks(zone: ZoneInfo, local: datetime) -> None:
    assert in_utc(local, zone) == first_showing(local, zone)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(ZONES).map(ZoneInfo),
    st.integers(1900, 2030),
    st.integers(0, 3),
    st.timedeltas(-timedelta(hours=3), timedelta(hours=27)),
)
def test_local_times_around_changes_agree_with_the_clocks(
    zone: ZoneInfo, year: int, which: int, offset: timedelta
) -> None:
    changes = changes_of_year(zone, year) or [datetime(year, 7, 1)]  # noqa: DTZ001
    local = changes[which % len(changes)] + offset

    assert in_utc(local, zone) == first_showing(local, zone)


@pytest.mark.parametrize("of_the_hour", ["00:00.500000", "29:59.999999"])
def test_every_gap_of_a_year_ends_where_the_clocks_say(of_the_hour: str) -> None:
    minutes, seconds = of_the_hour.split(":")
    part = timedelta(minutes=int(minutes), seconds=float(seconds))

    for zone in map(ZoneInfo, ZONES):
        for change in changes_of_year(zone, 2024):
            for hour in range(25):
                local = change.replace(minute=0, second=0, microsecond=0) + timedelta(hours=hour) + part
                if naive(in_utc(local, zone), zone) != local:
                    assert in_utc(local, zone) == first_showing(local, zone), (zone, local)
