"""Figures of periods: those of the posts due in them, for the accounts that are asked for, on both databases."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from services.console.read_model.statistics import Period
from shared.events.publisher import PublishFailed
from tests.integration.console.conftest import ReadModel
from tests.integration.console.test_read_model import ERROR, NOON, accepted, learn, succeeded

HOUR = timedelta(hours=1)


async def test_posts_count_in_the_period_in_which_they_were_due(read_model: ReadModel) -> None:
    await learn(
        read_model,
        accepted("early", at=NOON - HOUR),
        accepted("first", at=NOON),
        succeeded("first", lateness_ms=2, at=NOON),
        accepted("last", at=NOON + 2 * HOUR - timedelta(seconds=1)),
        PublishFailed(post_id="last", account_id="a", revision=1, attempts=1, error=ERROR),
        accepted("late", "b", at=NOON + 2 * HOUR),
    )
    periods = [Period(NOON, NOON + 2 * HOUR), Period(NOON + 2 * HOUR, NOON + 3 * HOUR), Period(NOON, NOON)]

    figures = await read_model.queries.statistics.of_periods(periods)

    assert [dict(one.states) for one in figures] == [{"published": 1, "failed": 1}, {"scheduled": 1}, {}]
    late = figures[0].lateness
    assert late.count == 1
    assert late.p99 == late.worst
    assert 2 <= (late.worst or 0) <= 2.2


async def test_only_what_is_asked_for_is_counted(read_model: ReadModel) -> None:
    await learn(read_model, accepted("one", "a"), accepted("two", "b"), accepted("three", "b"))
    day, statistics = Period(NOON - HOUR, NOON + HOUR), read_model.queries.statistics

    assert {name: one.posts for name, one in (await statistics.of_accounts(day)).items()} == {"a": 1, "b": 2}
    assert {name: one.posts for name, one in (await statistics.of_accounts(day, ["b"])).items()} == {"b": 2}
    assert [one.posts for one in await statistics.of_periods([day], ["a"])] == [1]
    assert [one.posts for one in await statistics.of_periods([day], [])] == [0]


def some_hour(chance: random.Random) -> datetime:
    return datetime(2027, 3, 26, tzinfo=UTC) + chance.randrange(100) * HOUR


@pytest.mark.parametrize("seed", range(20))
def test_the_days_and_hours_of_a_period_are_all_its_hours_once(seed: int) -> None:
    chance = random.Random(seed)
    period = Period(some_hour(chance), some_hour(chance))

    parts = [period.days, *period.hours]

    assert Counter(hour for part in parts for hour in hours_of(part)) == Counter(hours_of(period))
    assert all(instant.hour == 0 for instant in (period.days.begins_at, period.days.ends_at))


def hours_of(period: Period) -> list[datetime]:
    count = max((period.ends_at - period.begins_at) // HOUR, 0)
    return [period.begins_at + number * HOUR for number in range(count)]


async def test_days_of_any_zone_are_summed_as_if_every_post_were_counted(read_model: ReadModel) -> None:
    chance = random.Random(3)
    due = {f"p-{number}": (some_hour(chance) + timedelta(minutes=7), chance.choice("abc")) for number in range(120)}
    await learn(read_model, *(accepted(name, account, at=at) for name, (at, account) in due.items()))
    periods = [Period(some_hour(chance), some_hour(chance)) for _ in range(8)]

    for accounts in (None, ["a"], ["b", "c"]):
        figures = await read_model.queries.statistics.of_periods(periods, accounts)
        assert [one.posts for one in figures] == [
            sum(one.begins_at <= at < one.ends_at and (not accounts or name in accounts) for at, name in due.values())
            for one in periods
        ]
        for period in periods:
            found = await read_model.queries.statistics.of_accounts(period, accounts)
            named = [name for at, name in due.values() if period.begins_at <= at < period.ends_at]
            wanted = Counter(name for name in named if not accounts or name in accounts)
            assert {name: one.posts for name, one in found.items()} == wanted
