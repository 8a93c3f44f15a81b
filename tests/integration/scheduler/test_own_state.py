"""What the scheduler tells a console that rebuilds its read model, page by page, on both databases."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.scheduler import own_state
from services.scheduler.own_state import OwnState
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import PublishFailed, PublishHeld
from shared.events.rebuilding import ScheduleTold
from shared.events.requests import ScheduleCancelRequested, ScheduleRequested, Target
from tests.support.schedules import NOON
from tests.support.scheduling import Replica

HOUR = timedelta(hours=1)


@dataclass
class NoTimers:
    """Timers that are only told of."""

    told: int = 0

    async def tell(self) -> None:
        self.told += 1


def a_request(post_id: str, *account_ids: str) -> ScheduleRequested:
    targets = tuple(Target(account_id=account_id) for account_id in account_ids or ("acct-1",))
    return ScheduleRequested(post_id=post_id, content="The ball drops.", publish_at=NOON + HOUR, targets=targets)


async def told_by(replica: Replica) -> list[ScheduleTold]:
    timers = NoTimers()
    kept = OwnState("scheduler", replica.database, timers.tell)
    told = [one for part in [part async for part in kept.parts()] for one in part.schedules]
    assert timers.told == 1
    return told


async def test_every_schedule_is_told_once_however_many_pages_it_takes(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_state, "PAGE", 3)
    for number in range(7):
        await replica.take(a_request(f"p-{number}", "a-1", "Ä-2"))

    keys = [(one.post_id, one.account_id) for one in await told_by(replica)]

    assert len(keys) == len(set(keys)) == 14


async def test_what_is_over_is_told_as_it_ended_and_the_rest_is_left_to_the_publisher(replica: Replica) -> None:
    for post_id in ("cancelled", "failed", "held", "waits"):
        await replica.take(a_request(post_id))
    await replica.take(ScheduleCancelRequested(post_id="cancelled"))
    error = ErrorDetail(kind="refused", code="400", message="no")
    await replica.take(PublishFailed(post_id="failed", account_id="acct-1", revision=1, attempts=1, error=error))
    await replica.take(PublishHeld(post_id="held", account_id="acct-1", revision=1, reason="not connected"))

    every = await told_by(replica)

    assert {one.changed_at for one in every} == {replica.clock.now()}
    assert {one.post_id: (one.state, one.reason) for one in every} == {
        "cancelled": (State.CANCELLED, "requested"),
        "failed": (State.FAILED, None),
        "held": (State.DISPATCHED, None),
        "waits": (State.SCHEDULED, None),
    }
