"""A destination that hangs: the posts that wait for it are not taken for lost, and not sent for again and again."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from shared.events.requests import ScheduleRequested, Target
from tests.fakes.sink import Sink
from tests.nodes import Broker
from tests.support.bus import Bus
from tests.support.impatient_scheduler import GRACE
from tests.support.system import System, in_seconds, system
from tests.support.waiting import eventually, until

POSTS = 30
PREFETCH = 8
NARROW = {
    "TIMEBALL_PUBLISHER_PREFETCH": str(PREFETCH),
    "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "300",
    "TIMEBALL_PUBLISHER_LEASE_SECONDS": "320",
}
"""So few are taken at once that most are turned away, as thousands are at the usual prefetch; and the destination hangs
for as long as the slowest machine needs to tell of that."""


async def test_posts_that_wait_for_a_destination_that_hangs_breed_no_copies(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running, Sink().serving() as hanging:
        hanging.slow = lambda _: 600.0
        await running.start("scheduler", module="tests.support.impatient_scheduler")
        await running.start("publisher", module="tests.support.talkative_publisher", env=NARROW)
        await running.connect("stuck", url=f"{hanging.url}/stuck")
        due_at = in_seconds(2)
        requests = [a_request(number, due_at) for number in range(POSTS)]
        await asyncio.gather(*map(running.bus.emit, requests[:PREFETCH]))
        await eventually(lambda: len(hanging.ledger) == PREFETCH, what="the publisher's hands are full")
        await asyncio.gather(*map(running.bus.emit, requests[PREFETCH:]))

        await eventually(lambda: told_to_wait(running.bus), what="somebody says that posts wait")
        waiting = told_to_wait(running.bus)
        await until(max(due_at, datetime.now(UTC)) + GRACE)
        await eventually(lambda: _are_heard(running), what="the scheduler has heard of it")
        before = len(swept(running.bus))
        await until(datetime.now(UTC) + 3 * GRACE)
        copies = [post_id for post_id in swept(running.bus)[before:] if post_id in waiting]

    assert copies == [], "what is known to wait is not asked for again"


def a_request(number: int, due_at: datetime) -> ScheduleRequested:
    targets = (Target(account_id="stuck"),)
    return ScheduleRequested(post_id=f"stuck-{number}", content="x", publish_at=due_at, targets=targets)


def told_to_wait(bus: Bus) -> set[str | None]:
    return {fact.post_id for fact in bus.heard("publish.retrying") if fact.body["error"]["code"] == "in_line"}


def swept(bus: Bus) -> list[str | None]:
    return [fact.post_id for fact in bus.heard("publish.requested") if fact.body["swept"]]


async def _are_heard(running: System) -> bool:
    return await running.bus.depth("scheduler.outcomes") == 0
