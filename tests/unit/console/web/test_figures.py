"""Statistics in local days: every hour of UTC counts on one day, whatever the zone and its clocks do."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from services.console.read_model.statistics import Figures
from services.console.web.figures import Row, days_asked, last_days, last_hours, minutes_past, name_of, range_of

NOW = datetime(2027, 3, 28, 21, 40, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
    "Pacific/Chatham",
)


@pytest.mark.parametrize("zone", ZONES)
def test_days_follow_each_other_without_gap_or_overlap(zone: str) -> None:
    days, weeks = last_days(NOW, ZoneInfo(zone), 31), last_days(NOW, ZoneInfo(zone), 366)

    assert (len(days), len(weeks)) == (31, 53)
    for shown in (days, weeks):
        assert all(day.ends_at == later.begins_at for (_, day), (_, later) in pairwise(shown))
        assert shown[-1][1].begins_at <= NOW < shown[-1][1].ends_at


def test_many_days_are_shown_by_the_week_up_to_today() -> None:
    *_, (first, period) = last_days(NOW, ZoneInfo("Europe/Berlin"), 91)

    assert (first, period.ends_at) == (date(2027, 3, 22), datetime(2027, 3, 28, 22, tzinfo=UTC))
    assert name_of(first, 7, date(2027, 3, 28)) == "22 Mar to 28 Mar"
    assert name_of(date(2026, 12, 30), 7, date(2027, 3, 28)) == "30 Dec 2026 to 5 Jan"
    assert name_of(date(2027, 3, 5), 1, date(2027, 3, 28)) == "Fri 5 Mar"


def test_the_day_on_which_the_clocks_go_forward_has_23_hours() -> None:
    *_, (day, period) = last_days(datetime(2027, 3, 28, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"), 2)

    assert day == date(2027, 3, 28)
    assert period.ends_at - period.begins_at == timedelta(hours=23)


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [("UTC", 0), ("Europe/Berlin", 0), ("Asia/Kolkata", 30), ("Asia/Kathmandu", 45), ("America/St_Johns", 30)],
)
def test_it_is_said_how_much_of_a_day_counts_for_the_day_before(zone: str, minutes: int) -> None:
    assert minutes_past(last_days(NOW, ZoneInfo(zone), 3)) == minutes


def test_the_last_hours_end_with_the_present_one() -> None:
    hours = last_hours(NOW)

    assert len(hours) == 48
    assert (hours[-1].begins_at, hours[-1].ends_at) == (NOW.replace(minute=0), NOW.replace(hour=22, minute=0))
    assert hours[0].begins_at == NOW.replace(minute=0) - timedelta(hours=47)


@pytest.mark.parametrize(
    ("asked", "days"), [("7", 7), ("", 30), ("0", 1), ("-3", 30), ("9999", 91), ("9" * 20, 30), ("²", 30)]
)
def test_whatever_is_asked_for_some_days_are_shown(asked: str, days: int) -> None:
    assert days_asked(asked) == days


def test_states_are_told_in_groups() -> None:
    figures = Figures()
    figures.states.update({"published": 3, "unknown": 1, "held": 1, "retrying": 2})

    row = Row("Fri 27 Nov", figures)

    assert row.counts == {"Published": 3, "Failed": 0, "To decide": 2, "Dropped": 0, "To come": 2}
    assert row.said == "Fri 27 Nov: 3 published, 2 to decide, 2 to come"
    assert range_of(row, "27").mark is None
