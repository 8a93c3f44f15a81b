"""Moving by days keeps the time on the clock; moving to an instant puts posts one after the other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.console.requests.moving import Moving

BEFORE_SUMMER = datetime(2027, 3, 27, 9, tzinfo=UTC)


def test_moving_by_days_keeps_the_time_on_the_clock() -> None:
    assert Moving(days=1, zone="Europe/Berlin").of(BEFORE_SUMMER) == datetime(2027, 3, 28, 8, tzinfo=UTC)
    assert Moving(seconds=86_400, zone="Europe/Berlin").of(BEFORE_SUMMER) == datetime(2027, 3, 28, 9, tzinfo=UTC)


def test_moving_to_an_instant_puts_posts_one_after_the_other() -> None:
    moving = Moving.model_validate({"to": "2027-03-30T09:00:30Z", "every_seconds": 90})

    assert moving.of(BEFORE_SUMMER, 0) == datetime(2027, 3, 30, 9, 0, 30, tzinfo=UTC)
    assert moving.of(BEFORE_SUMMER, 2) == datetime(2027, 3, 30, 9, 3, 30, tzinfo=UTC)


def test_posts_that_would_be_moved_into_the_past_are_counted() -> None:
    dues = [BEFORE_SUMMER + timedelta(hours=hours) for hours in (1, 2, 3)]

    assert Moving(seconds=-3600).into_the_past(dues, BEFORE_SUMMER + timedelta(minutes=61, seconds=1)) == 2
    assert Moving(seconds=-3600).into_the_past(dues, BEFORE_SUMMER) == 0


def test_a_local_time_that_the_clocks_skip_is_the_first_after_it() -> None:
    moving = Moving.model_validate({"to": {"local": "2027-03-28T02:30", "zone": "Europe/Berlin"}})

    assert moving.of(BEFORE_SUMMER) == datetime(2027, 3, 28, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"days": 1, "to": "2027-03-30T09:00Z"},
        {"days": 1, "every_seconds": 60},
        {"days": 1, "zone": "Europe/Nowhere"},
        {"to": {"local": "2027-02-30T09:00", "zone": "Europe/Berlin"}},
        {"to": {"local": "2027-02-03T09:00", "zone": "Europe/Nowhere"}},
        {"to": {"local": "9999-12-31T23:59", "zone": "America/New_York"}},
        {"to": {"local": "0001-01-01T00:00", "zone": "Asia/Tokyo"}},
    ],
)
def test_what_is_no_move_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Moving.model_validate(given)
