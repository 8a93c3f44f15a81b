"""Wherever a service dies, no post is lost and none is sent twice.

A lane is one system. In it a process dies at one point after another, each time over another post; then a normal
process puts things in order. The lanes run side by side, and every point is a test of its own.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.postgres_node import PostgresNode
from shared.events.requests import RetryPolicy, ScheduleRequested, Target
from tests.acceptance.crashing import KILLED_BY_THE_TEST
from tests.fakes.sink import Request
from tests.nodes import Broker
from tests.support.bus import FINAL
from tests.support.system import SECRET, System, a_request, in_seconds, system
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORT = {"TIMEBALL_PUBLISHER_LEASE_SECONDS": "6", "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "5"}
MANY = RetryPolicy(attempts=20)
"""Each death of its sender uses an attempt, and here one process after another dies."""
SIGKILLED = -9

NEVER, ONCE = 0, 1
SUCCEEDED, UNKNOWN = "publish.succeeded", "publish.unknown"

# Where the publisher dies over a post on a platform that neither deduplicates nor can be asked: what is told of it in
# the end, and how often it was sent. What waits 30 s for the outbox to be taken over comes first.
PLAIN = {
    "outcome publish: before": (SUCCEEDED, ONCE),
    "outcome publish: during": (SUCCEEDED, ONCE),
    "outcome publish: after": (SUCCEEDED, ONCE),
    "outcome commit: after": (SUCCEEDED, ONCE),
    "outcome delete: before": (SUCCEEDED, ONCE),
    "outcome delete: after": (SUCCEEDED, ONCE),
    "publish ack: before": (SUCCEEDED, ONCE),
    "publish ack: after": (SUCCEEDED, ONCE),
    "claim commit: before": (SUCCEEDED, ONCE),
    "claim commit: after": (SUCCEEDED, ONCE),
    "mark commit: before": (SUCCEEDED, ONCE),
    "mark commit: after": (UNKNOWN, NEVER),
    "HTTP call: before": (UNKNOWN, NEVER),
    "HTTP call: during": (UNKNOWN, ONCE),
    "HTTP call: after": (UNKNOWN, ONCE),
    "outcome commit: before": (UNKNOWN, ONCE),
}
UNSENT = ("claim commit: before", "claim commit: after", "mark commit: before")
"""Left by these, a plain post must not be under way when the next process dies, which is over another post."""
AMBIGUOUS = [point for point, (outcome, _) in PLAIN.items() if outcome == UNKNOWN]
SCHEDULER = [
    *("acceptance commit: after", "acceptance publish: before", "acceptance publish: during"),
    *("acceptance publish: after", "acceptance delete: before", "acceptance delete: after"),
    *("request ack: before", "request ack: after", "acceptance commit: before"),
    *("dispatch claim: before", "dispatch claim: after"),
    *("dispatch publish: before", "dispatch publish: during", "dispatch publish: after"),
    *("dispatch mark: before", "dispatch mark: after"),
]


@dataclass
class Lane:
    """One system, the service that dies in it, and the exit codes of its processes by the point they died at."""

    running: System
    service: str
    account_id: str
    codes: dict[str, int] = field(default_factory=dict)

    async def die_at(self, point: str, unsent: str | None) -> None:
        """Let a process of the service run until it dies over the post of that point, but first send what is unsent."""
        env = SHORT | {"CRASH_AT": point, "CRASH_POST": name_of(point)}
        process = await self.running.start(self.service, module="tests.acceptance.crashing", ready=False, env=env)
        if unsent:
            await self.running.bus.outcome(name_of(unsent))
        await self.ask_for(name_of(point))
        if point == KILLED_BY_THE_TEST:
            await eventually(lambda: self.running.sink.requests(name_of(point)), what="the request is there")
            await process.kill()
        self.codes[point] = await process.ended()

    def delay(self, request: Request) -> float:
        """The network never answers the process that is to die meanwhile."""
        is_awaited = KILLED_BY_THE_TEST not in self.codes and request.post_id == name_of(KILLED_BY_THE_TEST)
        return PATIENCE if is_awaited else 0.0

    async def ask_for(self, post_id: str) -> None:
        """Ask for the post, and for another one on the webhook that is none of the dying process's business."""
        if self.service == "publisher":
            await self.running.bus.emit(a_request(post_id, self.account_id, due_in=1, retry=MANY))
            await self.running.bus.emit(a_request(f"beside {post_id}", "hook", due_in=4, retry=MANY))
        else:
            targets = (Target(account_id="plain"), Target(account_id="hook"))
            request = ScheduleRequested(post_id=post_id, content="x", publish_at=in_seconds(1), targets=targets)
            await self.running.bus.emit(request)

    async def told_of(self, post_id: str, account_id: str) -> Counter[str]:
        """How often which final fact was told of the post, once there is one."""
        await self.running.bus.fact(FINAL, post_id=post_id, account_id=account_id)
        facts = self.running.bus.heard(*FINAL, post_id=post_id, account_id=account_id)
        return Counter(fact.type for fact in facts)


def name_of(point: str) -> str:
    """A post's name with no other's in it."""
    return f"<{point.replace(': ', '-').replace(' ', '-')}>"


async def run(lane: Lane, points: list[str]) -> None:
    """Die at every point, then run as usual."""
    running = lane.running
    running.sink.slow = lane.delay
    publisher = await running.start("publisher", env=SHORT)
    await running.connect("plain")
    await running.connect("asked", answers_lookups=True)
    await running.connect("hook", "webhook", credentials={"secret": SECRET})
    if lane.service == "publisher":
        await publisher.stop()
    else:
        await (await running.start("scheduler")).stop()
    for before, point in pairwise(["", *points]):
        await lane.die_at(point, unsent=before if before in UNSENT else None)
    await running.start(lane.service, env=SHORT)


LANES: dict[str, list[str]] = {
    "publisher plain": list(PLAIN),
    "publisher asked": AMBIGUOUS,
    "publisher hook": AMBIGUOUS,
    "scheduler plain": SCHEDULER,
}
ON_POSTGRES = {"publisher hook", "scheduler plain"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lanes(
    broker_node: Broker, postgres_node: PostgresNode, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mapping[str, Lane]]:
    """Every lane, after all its deaths and with its last process running."""
    ended: dict[str, Lane] = {}
    done = asyncio.Event()

    async def drive(name: str, points: list[str], folder: Path) -> None:
        service, account_id = name.split()
        databases = (
            {one: postgres_node.create_database(f"{one}_{account_id}_{service}") for one in ("publisher", "scheduler")}
            if name in ON_POSTGRES
            else {}
        )
        async with system(folder, broker_node, **databases) as running:
            ended[name] = Lane(running, service, account_id)
            try:
                await run(ended[name], points)
            finally:
                arrived.release()
            await done.wait()

    arrived = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        for name, points in LANES.items():
            tasks.create_task(drive(name, points, tmp_path_factory.mktemp("lane")))
        for _ in LANES:
            await arrived.acquire()
        yield ended
        done.set()


@pytest.mark.parametrize(("point", "expected"), PLAIN.items(), ids=list(PLAIN))
async def test_a_plain_post_is_sent_once_at_most_and_its_outcome_told_as_far_as_it_can_be_known(
    point: str, expected: tuple[str, int], lanes: Mapping[str, Lane]
) -> None:
    lane = lanes["publisher plain"]

    told = await lane.told_of(name_of(point), "plain")

    outcome, requests = expected
    assert lane.codes[point] == SIGKILLED
    assert told == {outcome: 1}
    assert len(lane.running.sink.requests(name_of(point))) == requests


@pytest.mark.parametrize("point", AMBIGUOUS)
async def test_a_post_that_can_be_looked_up_is_sent_exactly_once(point: str, lanes: Mapping[str, Lane]) -> None:
    lane = lanes["publisher asked"]

    told = await lane.told_of(name_of(point), "asked")

    assert lane.codes[point] == SIGKILLED
    assert told == {SUCCEEDED: 1}
    assert len(lane.running.sink.requests(name_of(point))) == 1


@pytest.mark.parametrize("point", AMBIGUOUS)
async def test_a_post_for_a_webhook_that_deduplicates_appears_exactly_once(
    point: str, lanes: Mapping[str, Lane]
) -> None:
    lane = lanes["publisher hook"]

    told = await lane.told_of(name_of(point), "hook")

    assert lane.codes[point] == SIGKILLED
    assert told == {SUCCEEDED: 1}
    assert lane.running.sink.appearances()[name_of(point)] == 1


@pytest.mark.parametrize("name", [name for name in LANES if name.startswith("publisher")])
async def test_the_posts_beside_it_appear_once_too(name: str, lanes: Mapping[str, Lane]) -> None:
    lane = lanes[name]
    posts = [f"beside {name_of(point)}" for point in LANES[name]]

    told = {post: await lane.told_of(post, "hook") for post in posts}

    assert told == {post: {SUCCEEDED: 1} for post in posts}
    assert [lane.running.sink.appearances()[post] for post in posts] == [1] * len(posts)


@pytest.mark.parametrize("point", SCHEDULER)
async def test_a_scheduler_that_dies_neither_loses_a_post_nor_sends_it_twice(
    point: str, lanes: Mapping[str, Lane]
) -> None:
    lane = lanes["scheduler plain"]

    told = {account_id: await lane.told_of(name_of(point), account_id) for account_id in ("plain", "hook")}
    accepted = await lane.running.bus.fact("schedule.accepted", post_id=name_of(point), count=2)

    assert lane.codes[point] == SIGKILLED
    assert told == {"plain": {SUCCEEDED: 1}, "hook": {SUCCEEDED: 1}}
    assert accepted.body["revision"] == 1
    assert len(lane.running.bus.heard("schedule.accepted", post_id=name_of(point))) == 2
    assert Counter(request.path for request in lane.running.sink.requests(name_of(point))) == {"/plain": 1, "/hook": 1}
