"""Posts that wait for a person are told once, with what to do, reminded of, and told to be over."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.maintenance.alerting import RISEN_AFTER
from services.maintenance.retention import RULES
from shared.database.purging import Purge
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.scheduler import ScheduleCancelled, ScheduleSuperseded
from tests.integration.maintenance.conftest import NOW, Replica, delivery

LOST = ErrorDetail(kind="unconfirmed", code="lost", message="no reply")


def post(post_id: str = "sale", revision: int = 1) -> dict[str, Any]:
    return {"post_id": post_id, "account_id": "team", "revision": revision}


def unknown(post_id: str = "sale") -> PublishUnknown:
    return PublishUnknown(**post(post_id), attempts=1, error=LOST)


def held(post_id: str = "sale") -> PublishHeld:
    return PublishHeld(**post(post_id), reason="the account is closed")


def published(retries: int = 0) -> PublishSucceeded:
    out: dict[str, Any] = {"platform": "mastodon", "published_at": NOW, "lateness_ms": 1.0}
    return PublishSucceeded(**post(), **out, attempts=1, retries=retries)


async def hear(replica: Replica, *facts: Event) -> None:
    for fact in facts:
        if isinstance(fact, PublishSucceeded | PublishFailed | PublishUnknown):
            await replica.handlers.on_outcome(delivery(fact))
        else:
            await replica.handlers.on_progress(delivery(fact))


@pytest.mark.parametrize(
    ("fact", "code", "command"),
    [
        (unknown(), "posts_unknown", "`timeball resolve sale --account team --published` or `--not-published`"),
        (held(), "posts_held", "`timeball retry --held --account team`"),
    ],
)
async def test_it_is_told_once_with_what_to_do_and_reminded_of(
    replica: Replica, fact: Event, code: str, command: str
) -> None:
    await hear(replica, fact, fact)

    told = [[alert.code for alert in await replica.look(timedelta(hours=8))] for _ in range(4)]
    (first, *_) = await replica.told("alert.raised")

    assert told == [[code], [], [], [code]]
    assert command in first.message
    assert "1 post on 'team'" in first.message
    assert first.subject == "team"


@pytest.mark.parametrize(
    ("waits", "over"),
    [
        (unknown(), published()),
        (unknown(), PublishFailed(**post(), attempts=2, error=LOST)),
        (held(), PublishRetrying(**post(), attempt=1, next_attempt_at=NOW, error=LOST, retries=1)),
        (held(), ScheduleCancelled(**post(), reason="asked for")),
        (held(), ScheduleSuperseded(**post(), by=2)),
        (held(), published(retries=1)),
    ],
)
async def test_it_is_told_to_be_over(replica: Replica, waits: Event, over: Event) -> None:
    await hear(replica, waits)
    await replica.look()

    await hear(replica, over)
    told = [[alert.state for alert in await replica.look(timedelta(minutes=2))] for _ in range(3)]

    assert told == [[], ["resolved"], []]


@pytest.mark.parametrize("over", [ScheduleCancelled(**post(), reason="asked for"), ScheduleSuperseded(**post(), by=2)])
async def test_what_is_over_stays_over_though_that_it_was_held_comes_again(replica: Replica, over: Event) -> None:
    await hear(replica, held(), over, held())

    assert await replica.look() == []


@pytest.mark.parametrize(
    ("over", "waited"),
    [
        (ScheduleCancelled(**post(), reason="asked for"), held()),
        (ScheduleSuperseded(**post(), by=2), held()),
        (PublishSkipped(**post(), reason="cancelled"), held()),
        (PublishSkipped(**post(), reason="too_late"), held()),
        (PublishRetrying(**post(), attempt=1, next_attempt_at=NOW, error=LOST, retries=1), held()),
        (PublishFailed(**post(), attempts=1, error=LOST), unknown()),
        (published(), unknown()),
    ],
)
async def test_a_post_waits_for_nobody_any_more_though_that_it_did_comes_late(
    replica: Replica, over: Event, waited: Event
) -> None:
    """Replicas of the publisher, and the scheduler, tell of it in any order."""
    await hear(replica, over, waited)

    assert await replica.look() == []


async def test_a_post_that_is_tried_again_and_then_held_waits_for_a_person(replica: Replica) -> None:
    await hear(replica, PublishRetrying(**post(), attempt=1, next_attempt_at=NOW, error=LOST), held())

    assert [alert.code for alert in await replica.look()] == ["posts_held"]


async def test_a_cancelled_post_that_may_be_out_waits_for_a_person(replica: Replica) -> None:
    """The scheduler cancelled it before anybody knew."""
    await hear(replica, ScheduleCancelled(**post(), reason="asked for"), unknown())

    assert [alert.code for alert in await replica.look()] == ["posts_unknown"]


async def test_a_post_that_is_held_again_later_is_told(replica: Replica) -> None:
    again = PublishHeld(**post(revision=2), reason="the account is closed")
    await hear(replica, held(), ScheduleSuperseded(**post(), by=2), again)

    assert [alert.code for alert in await replica.look()] == ["posts_held"]


async def test_of_posts_that_are_old_those_that_wait_for_a_person_stay(replica: Replica) -> None:
    await hear(replica, held("waits"), held("over"), ScheduleCancelled(**post("over"), reason="asked for"))

    asked = RetentionPurgeRequested(before=NOW + timedelta(days=365))
    replica.clock.advance(timedelta(days=366))
    purge = Purge(replica.database, replica.clock, replica.stopping)

    assert await purge.run(RULES, asked) == 1
    assert [one.example for one in await replica.decisions.waiting()] == ["waits"]


async def test_many_posts_of_an_account_are_one_alert_told_again_when_they_have_doubled(replica: Replica) -> None:
    told = []
    for number in range(1, 9):
        await hear(replica, held(f"post-{number}"))
        told.append([alert.message.partition(" on ")[0] for alert in await replica.look(RISEN_AFTER)])

    assert told == [["1 post"], ["2 posts"], [], ["4 posts"], [], [], [], ["8 posts"]]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_whatever_the_order_of_facts_a_post_that_is_out_waits_for_nobody(
    replica: Replica, order: tuple[int, ...]
) -> None:
    facts = [held(), unknown(), published()]

    await hear(replica, *(facts[index] for index in order))

    assert await replica.look() == []
