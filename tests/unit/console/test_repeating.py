"""What repeats goes by the clock of its zone; each time is a post of its own."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.console.api.bodies import read_body
from services.console.api.errors import Refusal
from services.console.api.repeats import Repeated
from services.console.requests.repeating import Every, Repeat, id_of, occurrence, occurrences
from shared.events.requests import LocalTime

SOON, LATER = datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2040-01-01")


def at(local: str, zone: str = "Europe/Berlin") -> LocalTime:
    return LocalTime(local=local, zone=zone)


def days_of(first: str, every: Every, times: int) -> list[str]:
    return [f"{one.local:%a %Y-%m-%d}" for one in occurrences(at(first), Repeat(every=every, times=times))]


@pytest.mark.parametrize(
    ("every", "days"),
    [
        (Every.DAY, ["Fri 2027-01-29", "Sat 2027-01-30", "Sun 2027-01-31"]),
        (Every.WEEKDAY, ["Fri 2027-01-29", "Mon 2027-02-01", "Tue 2027-02-02"]),
        (Every.WEEK, ["Fri 2027-01-29", "Fri 2027-02-05", "Fri 2027-02-12"]),
        (Every.FORTNIGHT, ["Fri 2027-01-29", "Fri 2027-02-12", "Fri 2027-02-26"]),
        (Every.MONTH, ["Fri 2027-01-29", "Sun 2027-02-28", "Mon 2027-03-29"]),
    ],
)
def test_the_days_on_which_it_repeats(every: Every, days: list[str]) -> None:
    assert days_of("2027-01-29T09:00", every, 3) == days


def test_weekdays_begin_on_the_first_that_is_one() -> None:
    assert days_of("2027-01-30T09:00", Every.WEEKDAY, 1) == ["Mon 2027-02-01"]


def test_an_hour_stays_the_same_hour_when_the_clocks_change() -> None:
    found = occurrences(at("2027-03-22T09:00"), Repeat(every=Every.WEEK, times=2))

    assert [one.instant for one in found] == [
        datetime(2027, 3, 22, 8, tzinfo=UTC),
        datetime(2027, 3, 29, 7, tzinfo=UTC),
    ]


def test_a_time_that_the_clocks_skip_is_the_first_moment_after_it_and_the_next_is_as_ever() -> None:
    found = occurrences(at("2027-03-21T02:30"), Repeat(every=Every.WEEK, times=3))

    assert [one.instant for one in found] == [
        datetime(2027, 3, 21, 1, 30, tzinfo=UTC),
        datetime(2027, 3, 28, 1, tzinfo=UTC),
        datetime(2027, 4, 4, 0, 30, tzinfo=UTC),
    ]
    assert [one.reading for one in found] == ["once", "skipped", "once"]


def test_what_the_clocks_skip_or_show_twice_is_told() -> None:
    skipped, twice = occurrence(at("2027-03-28T02:30")), occurrence(at("2027-10-31T02:30"))

    assert (skipped.reading, skipped.instant) == ("skipped", datetime(2027, 3, 28, 1, tzinfo=UTC))
    assert (twice.reading, twice.instant) == ("twice", datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
    assert occurrence(at("2027-10-31T03:30")).reading == "once"


def test_a_month_without_the_day_has_its_last_one() -> None:
    found = occurrences(at("2027-01-31T09:00"), Repeat(every=Every.MONTH, times=3))

    assert [one.is_earlier_day for one in found] == [False, True, False]


@given(st.sampled_from(Every), st.integers(1, 100), st.datetimes(SOON, LATER))
def test_times_are_in_order_and_each_id_is_its_own(every: Every, times: int, first: datetime) -> None:
    first = first.replace(microsecond=0)
    found = occurrences(at(first.isoformat()), Repeat(every=every, times=times))

    assert len(found) == times
    assert found == sorted(found, key=lambda one: one.instant)
    assert len({id_of("post", one.local) for one in found}) == times
    assert found[0].local - first < timedelta(days=3)


def test_an_id_depends_on_nothing_but_the_time() -> None:
    few, many = (occurrences(at("2027-01-29T09:00"), Repeat(every=Every.DAY, times=times)) for times in (2, 5))

    assert [id_of("sale", one.local) for one in few] == ["sale.20270129T090000", "sale.20270130T090000"]
    assert [id_of("sale", one.local) for one in many][:2] == [id_of("sale", one.local) for one in few]


@pytest.mark.parametrize("repeat", [{"every": "hour", "times": 2}, {"every": "day", "times": 0}, {"every": "day"}])
def test_what_cannot_repeat_is_refused(repeat: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Repeat.model_validate(repeat)


@pytest.mark.parametrize(("length", "fits"), [(184, True), (185, False), (200, False)])
def test_an_id_that_leaves_no_room_for_a_time_is_refused_with_the_way_out(length: int, *, fits: bool) -> None:
    first = {"local": "2027-03-22T09:00", "zone": "Europe/Berlin"}
    post = {"post_id": "a" * length, "content": "x", "publish_at": first, "targets": [{"account_id": "t"}]}
    body = json.dumps({"post": post, "repeat": {"every": "day", "times": 2}}).encode()

    if fits:
        assert {len(single.post_id) for _, single in read_body(Repeated, body).single_posts()} == {200}
        return
    with pytest.raises(Refusal, match=r"post\.post_id: .* at most 184"):
        read_body(Repeated, body)
