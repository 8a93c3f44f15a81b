"""Times on the command line mean what a person means, or say how to write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.console.shown_times import on_clock
from services.console.written_times import PublishAt, UnreadableTime, duration_in, publish_at, shift_in

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone", "in_", "meant"),
    [
        (None, None, None, None),
        ("2027-03-28T09:00+02:00", None, None, "2027-03-28T09:00:00+02:00"),
        ("2027-03-28T09:00Z", None, None, "2027-03-28T09:00:00+00:00"),
        ("2027-03-28 09:00", "Europe/Berlin", None, {"local": "2027-03-28T09:00:00", "zone": "Europe/Berlin"}),
        (None, None, "90s", "2027-03-28T12:01:30+00:00"),
    ],
)
def test_a_time_is_understood(at: str | None, zone: str | None, in_: str | None, meant: PublishAt) -> None:
    assert publish_at(at, zone, in_, now=NOW, own_zone=None) == meant


@pytest.mark.parametrize(
    ("at", "zone", "in_", "says"),
    [
        ("tomorrow", None, None, "no time"),
        ("2027-03-28", "UTC", None, "a day without a time: write 2027-03-28 09:00"),
        ("2027-W12-7", None, None, "a day without a time"),
        ("2027-03-28 09:00", None, None, "no offset"),
        ("2027-03-28T09:00Z", "Europe/Berlin", None, "offset already"),
        ("2027-03-28 09:00", "Berlin", None, "unknown time zone"),
        ("2027-03-28T09:00Z", None, "90s", "without --at"),
        (None, "Europe/Berlin", None, "give --at"),
        (None, None, "soon", "no duration"),
        (None, None, "90", "no duration"),
        (None, None, "-5s", "no duration"),
    ],
)
def test_what_is_no_time_says_how_to_write_one(at: str | None, zone: str | None, in_: str | None, says: str) -> None:
    with pytest.raises(UnreadableTime, match=says):
        publish_at(at, zone, in_, now=NOW, own_zone=None)


@pytest.mark.parametrize("at", ["2027-03-28 09:00", "2027-03-28T09:00Z"])
def test_only_a_local_time_is_in_this_machines_zone(at: str) -> None:
    meant = publish_at(at, None, None, now=NOW, own_zone="Europe/Paris")

    assert (meant == {"local": "2027-03-28T09:00:00", "zone": "Europe/Paris"}) == at.endswith("09:00")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2d 1w", timedelta(days=9)),
        ("250ms", timedelta(milliseconds=250)),
    ],
)
def test_a_duration_adds_up(text: str, meant: timedelta) -> None:
    assert duration_in(text) == meant


@pytest.mark.parametrize(
    ("text", "days", "seconds"),
    [("2d", 2, 0), ("-1w", -7, 0), ("1d12h", 1, 43_200), ("-90m", 0, -5_400), ("36h", 0, 129_600)],
)
def test_a_shift_is_days_of_the_clock_and_real_seconds(text: str, days: int, seconds: int) -> None:
    assert shift_in(text) == (days, seconds)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_an_instant_that_a_zone_has_no_day_for_is_shown_in_utc(zone: str) -> None:
    never = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    first = datetime(1, 1, 1, tzinfo=UTC)

    assert {on_clock(one, ZoneInfo(zone)) for one in (never, first)} == {never, first}


@pytest.mark.parametrize("far", ["9999999d", "99999999999d", "9" * 400 + "d"])
def test_a_time_further_ahead_than_any_calendar_reaches_is_refused_with_its_value(far: str) -> None:
    with pytest.raises(UnreadableTime, match=r"^--in: '9{7,}.* reaches beyond the year 9999"):
        publish_at(None, None, far, now=NOW, own_zone=None)


@pytest.mark.parametrize("far", ["99999999999d", "-99999999999h", "9" * 400 + "d"])
def test_a_move_further_than_any_calendar_reaches_is_refused(far: str) -> None:
    with pytest.raises(UnreadableTime, match="beyond the year 9999"):
        shift_in(far)
