"""A destination that hangs: the posts that wait for it are not taken for lost, and not sent for again and again."""

import asyncio
from pathlib import Path

from shared.events.requests import ScheduleRequested, Target
from tests.fakes.sink import Sink
from tests.nodes import Broker
from tests.support.impatient_scheduler import GRACE
from tests.support.system import in_seconds, system
from tests.support.waiting import eventually, until

POSTS = 30
NARROW = {"TIMEBALL_PUBLISHER_PREFETCH": "8", "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "20"}
"""So few are taken at once that most are turned away, as thousands are at the usual prefetch."""


async def test_posts_that_wait_for_a_destination_that_hangs_breed_no_copies(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running, Sink().serving() as hanging:
        hanging.slow = lambda _: 600.0
        await running.start("scheduler", module="tests.support.impatient_scheduler")
        await running.start("publisher", module="tests.support.talkative_publisher", env=NARROW)
        await running.connect("stuck", url=f"{hanging.url}/stuck")
        targets, due_at = (Target(account_id="stuck"),), in_seconds(2)
        requests = [
            ScheduleRequested(post_id=f"stuck-{number}", content="x", publish_at=due_at, targets=targets)
            for number in range(POSTS)
        ]
        await asyncio.gather(*map(running.bus.emit, requests))

        await eventually(
            lambda: any(fact.body["error"]["code"] == "in_line" for fact in running.bus.heard("publish.retrying")),
            what="somebody says that posts wait",
        )
        await until(due_at + 3 * GRACE)
        copies = [fact.post_id for fact in running.bus.heard("publish.requested") if fact.body["swept"]]

    assert len(copies) == len(set(copies)), "none is asked for a third time, on the slowest machine"
