"""The figures of a day: the same however often they are added up, and for days that were missed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.maintenance.retention import RULES
from shared.database.purging import Purge
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.maintenance import AnalyticsAggregated, RetentionPurgeRequested
from shared.events.publisher import AccountConnected, PublishFailed, PublishSucceeded, PublishUnknown
from tests.integration.maintenance.conftest import NOW, Replica, delivery

YESTERDAY = NOW - timedelta(days=1)
ERROR = ErrorDetail(kind="rejected", code="no", message="no")


def succeeded(post_id: str, *, at: datetime = YESTERDAY, lateness_ms: float = 1.0, **more: Any) -> PublishSucceeded:
    usual = {"account_id": "a", "revision": 1, "platform": "x", "attempts": 1}
    return PublishSucceeded.model_validate(
        {"post_id": post_id, "published_at": at, "lateness_ms": lateness_ms} | usual | more
    )


def failed(post_id: str, **more: Any) -> PublishFailed:
    return PublishFailed.model_validate(
        {"post_id": post_id, "account_id": "a", "revision": 1, "attempts": 3, "error": ERROR} | more
    )


def unknown(post_id: str) -> PublishUnknown:
    return PublishUnknown(post_id=post_id, account_id="a", revision=1, attempts=1, error=ERROR)


async def hear(replica: Replica, *facts: Event, at: datetime = YESTERDAY) -> None:
    for fact in facts:
        await replica.handlers.on_outcome(delivery(fact, sent_at=at))


async def told(replica: Replica) -> dict[str, Any]:
    """The figures told of each day, the last ones where they were told twice."""
    days: list[AnalyticsAggregated] = await replica.told("analytics.aggregated")
    return {one.day: [account.model_dump(exclude_none=True) for account in one.accounts] for one in days}


async def test_a_day_adds_up_by_account_and_platform(replica: Replica) -> None:
    await replica.handlers.on_account_fact(delivery(AccountConnected(account_id="a", platform="x", changed_at=NOW)))
    await hear(replica, *(succeeded(f"p{n}", lateness_ms=float(n)) for n in range(1, 101)))
    await hear(replica, failed("f"), unknown("u"), succeeded("other", account_id="b", platform="y"))

    await replica.fire("analytics.aggregate")

    assert await told(replica) == {
        "2027-03-27": [
            {
                "account_id": "a", "platform": "x", "published": 100, "failed": 1, "unknown": 1, "attempts": 104,
                "p50_lateness_ms": 50.0, "p99_lateness_ms": 99.0,
            },
            {
                "account_id": "b", "platform": "y", "published": 1, "failed": 0, "unknown": 0, "attempts": 1,
                "p50_lateness_ms": 1.0, "p99_lateness_ms": 1.0,
            },
        ]
    }  # fmt: skip


async def test_an_outcome_told_twice_counts_once_and_an_attempt_of_two_outcomes_too(replica: Replica) -> None:
    await replica.handlers.on_account_fact(delivery(AccountConnected(account_id="a", platform="x", changed_at=NOW)))
    await hear(replica, unknown("p"), unknown("p"))
    found = succeeded("p", at=YESTERDAY + timedelta(minutes=1))
    await hear(replica, found, found)

    await replica.timers.add_up_days()

    (figures,) = (await told(replica))["2027-03-27"]
    assert (figures["published"], figures["unknown"], figures["attempts"]) == (1, 1, 1)


async def test_days_that_were_missed_are_told_and_none_twice(replica: Replica) -> None:
    await hear(replica, succeeded("p", at=NOW - timedelta(days=3)))
    await replica.timers.add_up_days()
    await replica.timers.add_up_days()

    days = sorted(day.day for day in await replica.told("analytics.aggregated"))
    assert days == ["2027-03-25", "2027-03-26", "2027-03-27"]


async def test_a_day_is_told_again_when_something_came_late(replica: Replica) -> None:
    await replica.timers.add_up_days()
    await hear(replica, succeeded("late"))
    await replica.timers.add_up_days()

    days = [(day.day, len(day.accounts)) for day in await replica.told("analytics.aggregated")]
    assert sorted(days) == [("2027-03-27", 0), ("2027-03-27", 1)]


async def test_an_unknown_that_is_resolved_after_days_counts_on_its_day(replica: Replica) -> None:
    """Its publication is as old as its attempt; over a long weekend nobody resolves anything."""
    sent = NOW - timedelta(days=5)
    await replica.handlers.on_account_fact(delivery(AccountConnected(account_id="a", platform="x", changed_at=NOW)))
    await hear(replica, succeeded("earlier", at=sent - timedelta(days=1)))
    await hear(replica, unknown("p"), at=sent)
    await replica.timers.add_up_days()

    replica.clock.advance(timedelta(minutes=1))
    await hear(replica, succeeded("p", at=sent, attempts=2))
    await replica.timers.add_up_days()

    (figures,) = (await told(replica))["2027-03-23"]
    assert figures["published"] == 1


async def test_a_day_of_which_outcomes_were_deleted_is_not_told_again(replica: Replica) -> None:
    """Somebody asks for an earlier purge than the retention would."""
    sent = NOW - timedelta(days=5)
    await hear(replica, *(succeeded(f"p{number}", at=sent + timedelta(hours=number)) for number in range(10)))
    await replica.timers.add_up_days()
    before = await told(replica)

    purge = Purge(replica.database, replica.clock, replica.stopping)
    assert await purge.run(RULES, RetentionPurgeRequested(before=sent + timedelta(days=3, hours=5))) == 5
    await replica.timers.add_up_days()

    assert await told(replica) == before


async def test_a_day_begins_at_midnight_where_its_zone_is(replica: Replica) -> None:
    """On 28 March 2027 Berlin goes over to summer time: the day has 23 hours."""
    berlin = Replica(replica.database, replica.clock, zone="Europe/Berlin")
    berlin.clock.advance(timedelta(hours=11))
    ends, begins = datetime(2027, 3, 27, 22, 59, 59, tzinfo=UTC), datetime(2027, 3, 27, 23, tzinfo=UTC)
    hours = {"27": ends, "28": begins, "28 too": ends + timedelta(hours=23), "29": begins + timedelta(hours=23)}
    await hear(berlin, *(succeeded(name, at=at) for name, at in hours.items()))

    await berlin.timers.add_up_days()

    published = {day: figures[0]["published"] for day, figures in (await told(berlin)).items()}
    assert published == {"2027-03-27": 1, "2027-03-28": 2}


async def test_outcomes_stay_until_their_day_has_been_told(replica: Replica) -> None:
    await hear(replica, succeeded("p", at=NOW - timedelta(days=20)))
    asked = RetentionPurgeRequested(before=NOW - timedelta(days=7))
    purge = Purge(replica.database, replica.clock, replica.stopping)

    before = await purge.run(RULES, asked)
    await replica.timers.add_up_days()
    after = await purge.run(RULES, asked)

    assert (before, after) == (0, 1)


@pytest.mark.parametrize(
    ("late", "sends", "codes"), [(2500.0, 10, ["lateness_high"]), (2500.0, 9, []), (1500.0, 10, [])]
)
async def test_posts_that_are_sent_late_are_told(replica: Replica, late: float, sends: int, codes: list[str]) -> None:
    await hear(replica, *(succeeded(f"p{n}", at=NOW, lateness_ms=late) for n in range(sends)))
    await hear(replica, *(succeeded(f"again{n}", at=NOW, lateness_ms=9e9, attempts=2) for n in range(20)))

    assert [alert.code for alert in await replica.look()] == codes


async def test_every_service_is_asked_to_delete_what_is_old(replica: Replica) -> None:
    await replica.fire("retention.purge")

    (asked,) = await replica.told("retention.purge_requested")
    assert asked == RetentionPurgeRequested(before=NOW - timedelta(days=7), keep_succeeded=10, keep_failed=20)


async def test_a_timer_that_is_not_ours_starts_no_job(replica: Replica) -> None:
    await replica.fire("monitor.check")

    assert await replica.told("job.started") == []


async def test_an_outcome_from_a_clock_that_had_not_been_set_brings_no_days_of_half_a_century(
    replica: Replica,
) -> None:
    """Some machines begin in 1970. Figures are kept for a year."""
    await hear(replica, succeeded("p"), succeeded("old", at=datetime(1970, 1, 1, tzinfo=UTC)))

    await replica.fire("analytics.aggregate")

    days = await told(replica)
    assert len(days) <= 366
    assert days["2027-03-27"][0]["published"] == 1
