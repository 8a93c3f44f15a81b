"""Cron expressions are taken as people write them."""

from datetime import UTC, datetime

import pytest

from services.scheduler.timers.cron import understood
from services.scheduler.timers.timer import Timer


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("0 12 ? * ?", "0 12 * * *"),
        ("0 0 12 ? * *", "0 0 12 * * *"),
        ("0 0 * * SAT-SUN", "0 0 * * 0,6"),
        ("0 0 * * Friday-mon", "0 0 * * 0,1,5,6"),
        ("0 0 * * 7-2", "0 0 * * 0-2"),
        ("0 0 1 NOV-FEB *", "0 0 1 1,2,11,12 *"),
        ("0 22-2 * * *", "0 0,1,2,22,23 * * *"),
        ("0 22-4/2 * * *", "0 0,2,4,22 * * *"),
        ("50-10/10 * * * *", "0,10,50 * * * *"),
        ("0 0 * * FRIL", "0 0 * * 5L"),
        ("0 0 * * mon#2,WED#4", "0 0 * * 1#2,3#4"),
        ("0 */1 * * *", "0 * * * *"),
        ("0 0-23 * * *", "0 * * * *"),
        ("0 12-11 * * *", "0 * * * *"),
    ],
)
def test_what_means_the_same_ticks_the_same(written: str, same_as: str) -> None:
    coming, expected = (Timer("t", cron).ticks_after(datetime(2027, 1, 1, tzinfo=UTC)) for cron in (written, same_as))

    assert [next(coming) for _ in range(60)] == [next(expected) for _ in range(60)]


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 0 L * *", "2027-01-31T00:00Z"),
        ("0 0 LW * *", "2027-01-29T00:00Z"),
        ("0 0 * * 5L", "2027-01-29T00:00Z"),
        ("0 0 * * MON#2", "2027-01-11T00:00Z"),
    ],
)
def test_days_counted_within_their_month_come_when_they_should(cron: str, first: str) -> None:
    assert Timer("t", cron).next_after(datetime(2027, 1, 1, tzinfo=UTC)) == datetime.fromisoformat(first)


@pytest.mark.parametrize("cron", ["0 */1 * * *", "0 0-23 * * *", "0 * * * *"])
def test_every_hour_in_the_autumn_is_every_hour_that_passes(cron: str) -> None:
    """In Berlin the clocks show 02:00 twice."""
    coming = Timer("t", cron, "Europe/Berlin").ticks_after(datetime(2027, 10, 30, 23, 30, tzinfo=UTC))

    assert [next(coming).hour for _ in range(4)] == [0, 1, 2, 3]


def test_what_cronsim_takes_is_left_as_it_is() -> None:
    assert understood("*/5 1,2 1-15/2 * 1-5") == "*/5 1,2 1-15/2 * 1-5"
