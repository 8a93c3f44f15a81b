"""Alerts in the read model: what is wrong and what was, in whatever order and however often it is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.console.read_model.alerts import QUIET_AFTER, Alert
from services.console.retention import RULES
from shared.database.engine import Database
from shared.database.purging import Purge
from shared.events.maintenance import AlertRaised, RetentionPurgeRequested
from shared.messaging.envelope import Delivery
from tests.fakes.clock import FakeClock
from tests.integration.console.conftest import ReadModel

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def raised(
    at: datetime = NOON, code: str = "posts_failing", subject: str = "mastodon", **changes: Any
) -> Delivery[AlertRaised]:
    """An alert that is told now and then, since noon where nothing else is said."""
    usual = {"severity": "critical", "message": "3 posts failed", "since": NOON}
    alert = AlertRaised(code=code, subject=subject, **{**usual, **changes})
    return Delivery(alert, None, "c", sent_at=at.replace(microsecond=0))


def resolved(at: datetime, **changes: Any) -> Delivery[AlertRaised]:
    return raised(at, **{"severity": "info", "message": "Over: 3 posts failed", "state": "resolved", **changes})


async def tell(read_model: ReadModel, *deliveries: Delivery[AlertRaised]) -> None:
    for delivery in deliveries:
        await read_model.projector.on_alert_raised(delivery)


async def listed(read_model: ReadModel, state: str | None = None, now: datetime = NOON + MINUTE) -> list[Alert]:
    return list(await read_model.queries.alerts.listed(state, None, 100, now))


async def test_what_is_told_again_is_one_alert_in_its_latest_words(read_model: ReadModel) -> None:
    first, again = raised(), raised(NOON + MINUTE, message="6 posts failed")

    await tell(read_model, again, first, again)

    (alert,) = await listed(read_model, "raised")
    assert (alert.since, alert.message, alert.told_at) == (NOON, "6 posts failed", NOON + MINUTE)


async def test_its_end_is_final_in_whatever_order_it_is_told(read_model: ReadModel) -> None:
    for number, order in enumerate(permutations(range(4))):
        facts = [
            raised(subject=str(number)),
            raised(NOON + MINUTE, subject=str(number), message="6 posts failed"),
            resolved(NOON + 5 * MINUTE, subject=str(number)),
            resolved(NOON + 5 * MINUTE, subject=str(number)),
        ]
        await tell(read_model, *(facts[place] for place in order))

    assert await listed(read_model, "raised") == []
    over = await listed(read_model, "resolved")
    assert {(one.severity, one.message, one.resolved_at) for one in over} == {
        ("critical", "6 posts failed", NOON + 5 * MINUTE)
    }
    assert len(over) == 24


async def test_of_an_end_alone_it_is_known_what_is_over(read_model: ReadModel) -> None:
    await tell(read_model, resolved(NOON + MINUTE))

    (alert,) = await listed(read_model)
    assert (alert.is_open, alert.message, alert.told_at) == (False, "3 posts failed", None)


async def test_what_comes_back_is_another_alert_though_it_is_told_before_the_end_of_the_first(
    read_model: ReadModel,
) -> None:
    for number, order in enumerate(permutations(range(3))):
        first = raised(subject=str(number))
        again = raised(NOON + 10 * MINUTE, subject=str(number), since=NOON + 10 * MINUTE)
        facts = [first, resolved(NOON + 5 * MINUTE, subject=str(number)), again]
        await tell(read_model, *(facts[place] for place in order))

    now = NOON + 11 * MINUTE
    assert {one.since for one in await listed(read_model, "raised", now)} == {NOON + 10 * MINUTE}
    assert {one.since for one in await listed(read_model, "resolved", now)} == {NOON}
    assert len(await listed(read_model, now=now)) == 12


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_one_whose_end_nobody_tells_is_over_when_the_same_is_raised_anew(
    read_model: ReadModel, order: tuple[int, int]
) -> None:
    """Maintenance had lost its database."""
    facts = [raised(), raised(NOON + 5 * MINUTE, since=NOON + 5 * MINUTE)]

    await tell(read_model, *(facts[place] for place in order))

    assert [one.since for one in await listed(read_model, "raised")] == [NOON + 5 * MINUTE]


async def test_a_clock_that_was_ahead_hides_no_alert_that_comes_later(read_model: ReadModel) -> None:
    ahead = NOON + 60 * MINUTE
    await tell(read_model, raised(since=ahead), resolved(NOON + 3 * MINUTE, since=ahead))

    await tell(read_model, raised(NOON + 10 * MINUTE, since=NOON + 10 * MINUTE))

    assert [one.since for one in await listed(read_model, "raised")] == [NOON + 10 * MINUTE]


async def test_without_its_beginning_the_latest_is_meant(read_model: ReadModel) -> None:
    await tell(read_model, raised(since=None), raised(NOON + MINUTE, since=None))
    (open_,) = await listed(read_model, "raised")

    await tell(read_model, resolved(NOON + 2 * MINUTE, since=None))

    assert open_.since == NOON + MINUTE
    assert await listed(read_model, "raised") == []


@pytest.mark.parametrize(
    ("code", "silence", "is_open"),
    [
        ("job_failed", QUIET_AFTER - MINUTE, True),
        ("job_failed", QUIET_AFTER, False),
        ("account_access_ends", 7 * DAY, True),
        ("account_access_ends", 8 * DAY, False),
    ],
)
async def test_what_is_not_told_any_more_does_not_stand_for_ever(
    read_model: ReadModel, code: str, silence: timedelta, is_open: bool
) -> None:
    await tell(read_model, raised(code=code))

    (alert,) = await listed(read_model, now=NOON + silence)

    assert (alert.is_open, alert.resolved_at) == (is_open, None)


async def test_the_worst_stand_first_and_are_counted_but_for_what_is_said_otherwise(read_model: ReadModel) -> None:
    later = NOON + MINUTE
    await tell(
        read_model,
        raised(code="job_failed", subject="a", severity="warning"),
        raised(later, code="job_failed", subject="b", severity="warning", since=later),
        raised(subject="c"),
        raised(subject="d", code="dead_letters"),
        raised(subject="e"),
        resolved(later, subject="e"),
    )

    worst, total = await read_model.queries.alerts.worst(2, later, but_for=["dead_letters"])
    none = await read_model.queries.alerts.worst(2, later, but_for=["dead_letters", "job_failed", "posts_failing"])

    assert ([one.subject for one in worst], total) == (["c", "b"], 3)
    assert none == ([], 0)


async def test_pages_follow_one_another_without_a_gap(read_model: ReadModel) -> None:
    for number in range(10):
        since = NOON + number // 3 * MINUTE
        await tell(read_model, raised(since, subject=str(number), since=since))
    alerts, seen, after = read_model.queries.alerts, list[str](), None

    while page := await alerts.listed("raised", after, 3, NOON + MINUTE):
        seen += [one.subject for one in page]
        after = page[-1].cursor

    assert seen == [one.subject for one in await listed(read_model)]
    assert len(set(seen)) == 10


async def test_a_text_that_no_database_holds_is_kept_as_far_as_it_can_be(read_model: ReadModel) -> None:
    await tell(read_model, raised(subject="x" * 5_000, message="a\x00b" + "x" * 5_000))

    (alert,) = await listed(read_model)

    assert (len(alert.subject), len(alert.message), alert.message[:2]) == (400, 4_000, "ab")


async def test_what_is_over_goes_with_the_retention_and_what_is_open_stays(
    read_model: ReadModel, database_url: str
) -> None:
    database = Database(database_url)
    rules = [rule for rule in RULES if rule.table.name == "alerts"]
    for subject in ("over", "open"):
        await tell(read_model, raised(code="account_access_ends", subject=subject))
    await tell(read_model, resolved(NOON + MINUTE, code="account_access_ends", subject="over"))
    left = []

    for days in (2, 10):  # after which what was learned just now may go, at a retention of a day
        now = datetime.now(UTC) + timedelta(days=days)
        asked = RetentionPurgeRequested(before=now - DAY)
        await Purge(database, FakeClock(now), asyncio.Event()).run(rules, asked)
        left.append({one.subject for one in await listed(read_model)})
    await database.close()

    assert left == [{"open"}, set()]
