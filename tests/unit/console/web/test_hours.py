"""Hours of a day as its clock shows them; what is shown of many is shared fairly; what is at one minute is together."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.web.days import DAY, begins
from services.console.web.hours import HOUR, hours_of, most_of_each, side_by_side

BERLIN = ZoneInfo("Europe/Berlin")


def test_an_hour_that_the_clocks_skip_has_no_length_and_says_so() -> None:
    hours = hours_of(date(2027, 3, 28), BERLIN)

    assert hours[2].length == timedelta()
    assert hours[2].change == "is skipped: the clocks go forward"
    assert [hour.number for hour in hours if hour.change] == [2]


def test_an_hour_that_comes_twice_is_as_long_as_two_and_says_so() -> None:
    hours = hours_of(date(2027, 10, 31), BERLIN)

    assert hours[2].length == 2 * HOUR
    assert hours[2].change == "comes twice: the clocks go back"


def test_half_hours_are_told_by_their_minutes() -> None:
    island = ZoneInfo("Australia/Lord_Howe")

    assert hours_of(date(2027, 10, 3), island)[2].change == "30 min are skipped"
    assert hours_of(date(2027, 4, 4), island)[1].change == "30 min come twice"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"])
@given(st.dates(date(2010, 1, 1), date(2035, 1, 1)))
def test_the_hours_of_a_day_are_the_whole_day_without_gaps(zone: str, day: date) -> None:
    place = ZoneInfo(zone)
    hours = hours_of(day, place)

    assert (hours[0].begins, hours[-1].ends) == (begins(day, place), begins(day + DAY, place))
    assert all(one.ends == other.begins for one, other in pairwise(hours))


@given(st.lists(st.integers(0, 1000), max_size=50), st.integers(1, 500))
def test_what_is_shown_is_shared_and_no_more_than_there_is_room(counts: list[int], room: int) -> None:
    most = most_of_each(counts, room)

    assert most == 1 or sum(min(count, most) for count in counts) <= room
    assert most >= 1


def test_what_there_is_room_for_is_shown_whole() -> None:
    assert most_of_each([30, 1, 0], 168) == 30


def test_what_is_at_the_same_minute_is_together() -> None:
    at = datetime(2027, 3, 27, 9, tzinfo=UTC)
    things = [(at, "a"), (at + timedelta(seconds=40), "b"), (at + timedelta(minutes=1), "c")]

    assert side_by_side(things) == [["a", "b"], ["c"]]
