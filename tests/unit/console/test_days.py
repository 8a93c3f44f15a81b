"""The days of the calendar: whole weeks, steps between views, midnights that are skipped, bad input."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.web.days import DAY, VIEWS, begins, change_of_clocks, day_of, span_of

TODAY = date(2027, 3, 28)
ZONES = ("UTC", "Europe/Berlin", "America/Santiago", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe")


def test_a_month_is_shown_in_whole_weeks() -> None:
    days = span_of("month", "2027-03-10", TODAY).days

    assert (days[0], days[-1], len(days)) == (date(2027, 3, 1), date(2027, 4, 4), 35)


def test_a_week_begins_on_monday() -> None:
    assert span_of("week", "2027-03-28", TODAY).days[0] == date(2027, 3, 22)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(VIEWS))
def test_every_day_is_in_its_view_and_the_steps_lead_to_the_neighbours(day: date, view: str) -> None:
    span = span_of(view, day.isoformat(), TODAY)
    later = span_of(view, span.moved(1).isoformat(), TODAY)

    assert day in span.days
    assert span.days == sorted(set(span.days))
    assert later.days[0] <= span.days[-1] + DAY
    assert later.days[-1] > span.days[-1]
    assert span_of(view, later.moved(-1).isoformat(), TODAY).days == span.days


@pytest.mark.parametrize("wanted", ["", "yesterday", "2027-02-30", "2027-13-01", "'"])
def test_what_is_no_date_means_today(wanted: str) -> None:
    assert span_of("month", wanted, TODAY).around == TODAY


@pytest.mark.parametrize("wanted", ["0001-01-01", "9999-12-31"])
def test_at_the_ends_of_time_there_is_still_a_page(wanted: str) -> None:
    for view in VIEWS:
        span = span_of(view, wanted, TODAY)
        for step in (-1, 1):
            assert [
                begins(day, ZoneInfo("Pacific/Kiritimati"))
                for day in span_of(view, span.moved(step).isoformat(), TODAY).days
            ]


def test_an_unknown_view_is_the_month() -> None:
    assert span_of("year", "", TODAY).view == "month"


@given(st.integers(946_684_800, 2_208_988_800), st.sampled_from(ZONES))
def test_every_instant_is_in_its_day(seconds: int, name: str) -> None:
    instant, zone = datetime.fromtimestamp(seconds, UTC), ZoneInfo(name)
    day = day_of(instant, zone)

    assert begins(day, zone) <= instant < begins(day + DAY, zone)


def test_a_change_of_clocks_is_told() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    assert change_of_clocks(date(2027, 3, 28), berlin) == "clocks go forward by 60 min"
    assert change_of_clocks(date(2027, 10, 31), berlin) == "clocks go back by 60 min"
    assert change_of_clocks(date(2027, 10, 30), berlin) is None
    assert begins(date(2027, 3, 29), berlin) - begins(date(2027, 3, 28), berlin) == timedelta(hours=23)
