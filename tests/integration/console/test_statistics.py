"""Figures of periods: those of the posts due in them, for the accounts that are asked for, on both databases."""

from datetime import timedelta

from services.console.statistics import Period
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
