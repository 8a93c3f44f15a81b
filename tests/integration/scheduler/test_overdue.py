"""What stands still shows: posts that should be out, and of which nothing is heard."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.scheduler import overdue
from services.scheduler.overdue import overdue_posts
from services.scheduler.periodic import SWEEP_EVERY
from shared.events.base import ErrorDetail
from shared.events.maintenance import Overdue
from shared.events.progress import OVERDUE_AFTER
from shared.events.publisher import PublishHeld, PublishRetrying
from tests.support.schedules import DUE, post
from tests.support.scheduling import Replica

KEY: dict[str, Any] = {"post_id": "post-1", "account_id": "acct-1"}
MINUTE = timedelta(minutes=1)
WAITS = ErrorDetail(kind="rate_limited", code="429", message="later")


async def overdue_of(replica: Replica) -> Overdue | None:
    return await overdue_posts(replica.database, replica.clock)()


async def live_until(replica: Replica, instant: datetime) -> None:
    """Dispatch and sweep as the scheduler does, while nobody tells anything."""
    while replica.clock.now() < instant:
        await replica.reach(min(replica.clock.now() + SWEEP_EVERY, instant))
        await replica.sweeper.sweep()
        await replica.dispatched()


async def test_what_cannot_be_dispatched_is_overdue_in_two_minutes(replica: Replica) -> None:
    await replica.take(post())
    replica.publisher.is_away = True

    await live_until(replica, DUE + OVERDUE_AFTER - SWEEP_EVERY)
    assert await overdue_of(replica) is None

    await live_until(replica, DUE + OVERDUE_AFTER)
    assert await overdue_of(replica) == Overdue(count=1, post_id="post-1", publish_at=DUE)


async def test_what_was_sent_again_and_again_and_nothing_is_heard_of_is_overdue_in_two_minutes(
    replica: Replica,
) -> None:
    await replica.take(post())

    await live_until(replica, DUE + OVERDUE_AFTER - SWEEP_EVERY)
    assert await overdue_of(replica) is None

    await live_until(replica, DUE + OVERDUE_AFTER + SWEEP_EVERY)
    for _ in range(30):
        assert await overdue_of(replica) == Overdue(count=1, post_id="post-1", publish_at=DUE)
        await live_until(replica, replica.clock.now() + MINUTE)


async def test_what_waits_for_an_attempt_that_was_told_is_overdue_once_that_has_not_come(replica: Replica) -> None:
    again = DUE + 30 * MINUTE
    await replica.take(post())
    await live_until(replica, DUE + OVERDUE_AFTER + SWEEP_EVERY)
    assert await overdue_of(replica)

    await replica.take(PublishRetrying(**KEY, revision=1, attempt=0, next_attempt_at=again, error=WAITS))
    await live_until(replica, again)
    assert await overdue_of(replica) is None

    await replica.reach(again + OVERDUE_AFTER + 2 * MINUTE)
    assert await overdue_of(replica)


async def test_what_a_person_decides_is_not_overdue(replica: Replica) -> None:
    await replica.take(post())
    await live_until(replica, DUE + 5 * MINUTE)
    assert await overdue_of(replica)

    await replica.take(PublishHeld(**KEY, revision=1, reason="too late"))

    assert await overdue_of(replica) is None


async def test_all_are_counted_up_to_a_bound_and_the_one_that_was_due_first_is_named(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica.publisher.is_away = True
    for number in (2, 0, 1):
        await replica.take(post(post_id=f"post-{number}", publish_at=DUE + number * MINUTE))
    await replica.reach(DUE + OVERDUE_AFTER + MINUTE)

    assert await overdue_of(replica) == Overdue(count=2, post_id="post-0", publish_at=DUE)

    await replica.reach(DUE + OVERDUE_AFTER + 2 * MINUTE)
    monkeypatch.setattr(overdue, "MOST_COUNTED", 2)

    assert await overdue_of(replica) == Overdue(count=2, post_id="post-0", publish_at=DUE)
