"""When timers tick: in every zone, through both changes of the clocks, and what is due after an absence."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduler.timers.settings import DEFAULTS
from services.scheduler.timers.timer import MOST_COUNTED, Due, Standing, Timer, due

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ZONES = sorted(available_timezones() - {"localtime"})
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2034, 1, 1, tzinfo=UTC)
CRONS = sorted(set(DEFAULTS.values()))
LONGEST_FOLD = timedelta(hours=3)
EVERY_HOUR = ["30 * * * *", "45 * * * *", "10,50 * * * *"]
"""The same of one that every hour has."""
OF_THE_DAY = ["30 2 * * *", "15 1,2,3 * * *", "*/20 2 * * *", "0 */2 * * *", "0,30 0 * * *"]
"""Expressions that a change of the clocks may swallow or show twice."""


def ticks(timer: Timer, after: datetime, until: datetime) -> list[datetime]:
    """The ticks after an instant, up to another."""
    found = []
    for tick_at in timer.ticks_after(after):
        if tick_at > until:
            break
        found.append(tick_at)
    return found


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # ordinary days
        ("0 0 * * *", "UTC", "2021-06-01T00:00Z", ["2021-06-02T00:00Z", "2021-06-03T00:00Z"]),
        ("0 9 * * *", "Asia/Kathmandu", "2021-06-01T03:14Z", ["2021-06-01T03:15Z", "2021-06-02T03:15Z"]),
        ("0 9 * * MON", "Europe/Berlin", "2021-03-22T09:00Z", ["2021-03-29T07:00Z", "2021-04-05T07:00Z"]),
        ("0 0 29 2 *", "UTC", "2021-01-01T00:00Z", ["2024-02-29T00:00Z", "2028-02-29T00:00Z"]),
        ("*/20 * * * * *", "UTC", "2021-06-01T00:00:20.5Z", ["2021-06-01T00:00:40Z", "2021-06-01T00:01:00Z"]),
        # the spring gap: at its end, and once although two times fall into it
        ("30 2 * * *", "Europe/Berlin", "2021-03-27T12:00Z", ["2021-03-28T01:00Z", "2021-03-29T00:30Z"]),
        ("0,30 2 * * *", "Europe/Berlin", "2021-03-28T00:00Z", ["2021-03-28T01:00Z", "2021-03-29T00:00Z"]),
        ("30 2,3 * * *", "Europe/Berlin", "2021-03-28T00:00Z", ["2021-03-28T01:00Z", "2021-03-28T01:30Z"]),
        ("0 2,3 * * *", "Europe/Berlin", "2021-03-28T00:00Z", ["2021-03-28T01:00Z", "2021-03-29T00:00Z"]),
        ("*/20 2 * * *", "America/New_York", "2021-03-14T06:00Z", ["2021-03-14T07:00Z", "2021-03-15T06:00Z"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2021-10-02T12:00Z", ["2021-10-02T15:30Z", "2021-10-03T15:15Z"]),
        ("0 0 * * *", "America/Havana", "2021-03-13T12:00Z", ["2021-03-14T05:00Z", "2021-03-15T04:00Z"]),
        # the autumn fold: the first time of two, and not again
        ("30 2 * * *", "Europe/Berlin", "2021-10-30T12:00Z", ["2021-10-31T00:30Z", "2021-11-01T01:30Z"]),
        ("30 2 * * *", "Europe/Berlin", "2021-10-31T00:30Z", ["2021-11-01T01:30Z"]),
        ("30 2 * * *", "Europe/Berlin", "2021-10-31T01:10Z", ["2021-11-01T01:30Z"]),
        ("*/40 2 * * *", "Europe/Berlin", "2021-10-31T00:00Z", ["2021-10-31T00:40Z", "2021-11-01T01:00Z"]),
        ("0 0 * * *", "America/Havana", "2021-11-06T12:00Z", ["2021-11-07T04:00Z", "2021-11-08T05:00Z"]),
        # every hour that passes, whatever clocks show
        ("0 * * * *", "Europe/Berlin", "2021-03-27T23:59Z", ["2021-03-28T00:00Z", "2021-03-28T01:00Z"]),
        ("0 * * * *", "Europe/Berlin", "2021-10-31T00:00Z", ["2021-10-31T01:00Z", "2021-10-31T02:00Z"]),
        ("*/30 * * * *", "Europe/Berlin", "2021-10-31T00:30Z", ["2021-10-31T01:00Z", "2021-10-31T01:30Z"]),
        # by half an hour: what clocks show twice, and what they leap over
        ("30 * * * *", "Australia/Lord_Howe", "2021-04-03T14:00Z", ["2021-04-03T14:30Z", "2021-04-03T15:00Z"]),
        ("30 * * * *", "Australia/Lord_Howe", "2021-10-02T15:00Z", ["2021-10-02T15:30Z", "2021-10-02T16:30Z"]),
        ("10,20 * * * *", "Australia/Lord_Howe", "2021-10-02T15:00Z", ["2021-10-02T15:30Z", "2021-10-02T16:10Z"]),
    ],
)  # fmt: skip
def test_a_timer_ticks_by_its_zones_clocks(cron: str, zone: str, after: str, expected: list[str]) -> None:
    """In a year that is over: governments change what is to come, as Cuba and Morocco have done."""
    coming = Timer("t", cron, zone).ticks_after(datetime.fromisoformat(after))

    assert [next(coming) for _ in expected] == [datetime.fromisoformat(one) for one in expected]


def naive(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in the zone show."""
    return instant.astimezone(zone).replace(tzinfo=None)


@cache
def allowed(field: str, most: int) -> frozenset[int]:
    """The numbers that a field of a cron expression allows: `*`, `*/n` or a list."""
    if field.startswith("*"):
        return frozenset(range(0, most, int(field.removeprefix("*/")) if "/" in field else 1))
    return frozenset(map(int, field.split(",")))


def expected_ticks(cron: str, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """The oracle: looks at the clock every minute that passes, and asks nobody what a local time means."""
    minutes, hours = cron.split()[:2]
    shown = [(at, naive(at, zone)) for at in _minutes(after - LONGEST_FOLD, until)]
    if hours == "*":
        hands = {at: _passed(before, local) for (_, before), (at, local) in pairwise(shown)}
        return [at for at, passed in hands.items() if passed & allowed(minutes, 60) and at > after]
    found, latest = set(), shown[0][1]
    for at, local in shown[1:]:
        while latest < local:
            latest += MINUTE
            if latest.minute in allowed(minutes, 60) and latest.hour in allowed(hours, 24):
                found.add(at)
    return sorted(at for at in found if at > after)


def _passed(before: datetime, now: datetime) -> set[int]:
    """The minutes to which a minute hand points now, or past which it has been put."""
    put_forward = (now - before - MINUTE) % HOUR if now > before else timedelta(0)
    return {(now - number * MINUTE).minute for number in range(put_forward // MINUTE + 1)}


def _minutes(start: datetime, end: datetime) -> list[datetime]:
    first = start.replace(second=0, microsecond=0)
    return [first + number * MINUTE for number in range((end - first) // MINUTE + 1)]


@cache
def changes() -> dict[tuple[datetime, timedelta | None, timedelta | None], str]:
    """Every change of any zone's clocks in ten years, to the minute, and one zone that has it."""
    found = {}
    for name in ZONES:
        zone, look = ZoneInfo(name), FIRST
        while look < LAST:
            later, offset = look + 10 * DAY, look.astimezone(zone).utcoffset()
            if later.astimezone(zone).utcoffset() != offset:
                at = _change(zone, look, later)
                found[at, offset, at.astimezone(zone).utcoffset()] = name
            look = later
    return found


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    offset = before.astimezone(zone).utcoffset()
    while after - before > MINUTE:
        middle = before + (after - before) // MINUTE // 2 * MINUTE
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after


@pytest.mark.parametrize("cron", [*CRONS, *EVERY_HOUR, *OF_THE_DAY])
def test_through_every_change_of_clocks_in_ten_years_timers_tick_as_the_clocks_show(cron: str) -> None:
    for (at, _, _), name in changes().items():
        after, until = at - 4 * HOUR, at + 4 * HOUR

        assert ticks(Timer("t", cron, name), after, until) == expected_ticks(cron, ZoneInfo(name), after, until), name


ODD = {
    "Australia/Lord_Howe": (datetime(2021, 4, 3, 15, tzinfo=UTC), datetime(2021, 10, 2, 15, 30, tzinfo=UTC)),
    "Antarctica/Troll": (datetime(2021, 3, 28, 1, tzinfo=UTC), datetime(2021, 10, 31, 1, tzinfo=UTC)),
    "Pacific/Apia": (datetime(2011, 12, 30, 10, tzinfo=UTC),),
    "Africa/Casablanca": (datetime(2021, 4, 11, 2, tzinfo=UTC), datetime(2021, 5, 16, 2, tzinfo=UTC)),
    "America/St_Johns": (datetime(2006, 4, 2, 3, 31, tzinfo=UTC), datetime(2006, 10, 29, 2, 31, tzinfo=UTC)),
    "Asia/Kathmandu": (datetime(1985, 12, 31, 18, 30, tzinfo=UTC),),
}
"""Changes by half an hour, two hours, a day, for Ramadan, at a minute past midnight, and by a quarter of an hour."""
NUMBERS = {
    most: st.lists(st.integers(0, most - 1), min_size=1, max_size=3).map(lambda some: ",".join(map(str, some)))
    for most in (24, 60)
}


def test_the_odd_changes_are_changes() -> None:
    for name, changes_at in ODD.items():
        zone = ZoneInfo(name)
        for at in changes_at:
            assert at.astimezone(zone).utcoffset() != (at - MINUTE).astimezone(zone).utcoffset(), (name, at)


@settings(max_examples=150)
@given(
    st.sampled_from([(name, at) for name, changes_at in ODD.items() for at in changes_at]),
    NUMBERS[60],
    st.just("*") | NUMBERS[24],
    st.integers(0, 600),
)
def test_through_odd_changes_any_expression_ticks_as_the_clocks_show(
    change: tuple[str, datetime], minutes: str, hours: str, before: int
) -> None:
    name, at = change
    after, until, cron = at - before * MINUTE, at + 26 * HOUR, f"{minutes} {hours} * * *"

    assert ticks(Timer("t", cron, name), after, until) == expected_ticks(cron, ZoneInfo(name), after, until)


@settings(max_examples=150)
@given(
    st.sampled_from(ZONES), st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), st.sampled_from(CRONS)
)
def test_in_any_zone_on_any_day_timers_tick_as_the_clocks_show(name: str, start: datetime, cron: str) -> None:
    after = start.replace(tzinfo=UTC)
    until = after + 25 * HOUR

    assert ticks(Timer("t", cron, name), after, until) == expected_ticks(cron, ZoneInfo(name), after, until)


@pytest.mark.parametrize(
    ("cron", "absence", "expected"),
    [
        ("*/5 * * * *", 4 * MINUTE, None),
        ("*/5 * * * *", 5 * MINUTE, Due(NOON + 5 * MINUTE, 0)),
        ("*/5 * * * *", 14 * MINUTE, Due(NOON + 10 * MINUTE, 1)),
        ("0 0 * * *", 3 * DAY, Due(NOON + 2.5 * DAY, 2)),
        ("*/5 * * * *", -HOUR, None),
        ("* * * * * *", 1000 * DAY, Due(NOON + 1000 * DAY, MOST_COUNTED)),
    ],
)
def test_what_is_due_comes_as_one_that_counts_the_missed(cron: str, absence: timedelta, expected: Due | None) -> None:
    assert due(Standing(Timer("t", cron), NOON), NOON + absence) == expected


def test_many_missed_ticks_long_ago_are_found_too() -> None:
    """A timer that ticks every second of one hour a year: the last of them is far from both ends."""
    standing = Standing(Timer("t", "* * 7 1 1 *"), NOON)

    found = due(standing, datetime(2032, 12, 31, tzinfo=UTC))

    assert found == Due(datetime(2032, 1, 1, 7, 59, 59, tzinfo=UTC), MOST_COUNTED)


@pytest.mark.parametrize(("ahead", "is_far"), [(-DAY, False), (HOUR, False), (DAY, False), (DAY + MINUTE, True)])
def test_a_clock_is_believed_to_be_wrong_by_a_day_at_most(ahead: timedelta, is_far: bool) -> None:
    assert Standing(Timer("t", "* * * * *"), NOON + ahead).is_far_ahead(NOON) is is_far
