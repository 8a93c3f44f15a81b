"""Decisions about digests, subreddits and groups."""

from datetime import UTC, datetime, timedelta

import pytest

from services.monitor.domain import (
    MOST_ATTEMPTS,
    DigestTime,
    InvalidWorkspace,
    check_subreddit,
    due_digest,
    grouped,
    wait_before,
)

BERLIN = DigestTime("09:00", "Europe/Berlin")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "last_day", "day"),
    [
        ("2026-11-22T07:59:59+00:00", "2026-11-21", None),
        ("2026-11-22T08:00:00+00:00", "2026-11-21", "2026-11-22"),
        ("2026-11-22T23:30:00+00:00", "2026-11-21", "2026-11-22"),
        ("2026-11-22T08:15:00+00:00", "2026-11-22", None),
        ("2026-11-25T06:00:00+00:00", "2026-11-21", "2026-11-24"),
        ("2026-11-22T08:15:00+00:00", "2026-11-23", None),
    ],
)
def test_a_digest_is_due_once_a_day(now: str, last_day: str, day: str | None) -> None:
    assert due_digest(BERLIN, since=LONG_AGO, last_day=last_day, now=at(now)) == day


@pytest.mark.parametrize(
    ("digest", "day"),
    [
        (DigestTime("02:30", "Europe/Berlin"), "2027-03-28"),  # that time is in no clock
        (DigestTime("02:30", "Europe/Berlin"), "2027-10-31"),  # that time is twice
        (DigestTime("00:00", "America/Sao_Paulo"), "2018-11-04"),  # the day begins at one
        (DigestTime("12:00", "Pacific/Apia"), "2011-12-29"),  # the day after is skipped
        (DigestTime("23:45", "America/Nuuk"), "2027-03-27"),  # the day ends at eleven
    ],
)
def test_no_day_is_lost_or_doubled_when_clocks_change(digest: DigestTime, day: str) -> None:
    start = at(f"{day}T00:00:00+00:00") - timedelta(days=2)
    settled: list[str] = []

    for quarter in range(4 * 24 * 5):
        now = start + timedelta(minutes=15 * quarter)
        due = due_digest(digest, since=start, last_day=settled[-1] if settled else None, now=now)
        settled += [due] if due else []

    assert settled == sorted(set(settled))
    assert len(settled) in (4, 5)
    assert day in settled


def test_the_digest_of_a_day_before_it_was_asked_for_is_not_due() -> None:
    asked_at = at("2026-11-22T10:00:00+00:00")

    assert due_digest(BERLIN, since=asked_at, last_day=None, now=at("2026-11-23T07:00:00+00:00")) is None
    assert due_digest(BERLIN, since=asked_at, last_day=None, now=at("2026-11-23T08:00:00+00:00")) == "2026-11-23"


@pytest.mark.parametrize("name", ["r/sailing", "", "x", "a" * 22, "with space", "dä", "_x", "all", "Popular"])
def test_what_cannot_be_a_subreddit_is_named(name: str) -> None:
    with pytest.raises(InvalidWorkspace, match="subreddits"):
        check_subreddit(name)


def test_groups_are_as_few_as_fit() -> None:
    assert grouped(["a", "b", "c"], most=2, most_characters=100) == [("a", "b"), ("c",)]
    assert grouped(["aaa", "bbb", "c"], most=9, most_characters=7) == [("aaa", "bbb"), ("c",)]
    assert grouped([], most=9, most_characters=7) == []


def test_waits_double_and_end() -> None:
    waits = [wait_before(attempt) for attempt in range(2, MOST_ATTEMPTS + 2)]

    assert waits[:3] == [timedelta(seconds=seconds) for seconds in (5, 10, 20)]
    assert waits[-1] is None
