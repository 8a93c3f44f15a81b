"""The broker, the database or a replica goes away in the middle, and everything still arrives.

The scenarios mostly wait, so they overlap: the database goes away when the broker is back.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.broker_node import BrokerNode
from deploy.local.postgres_node import PostgresNode
from shared.events.requests import ScheduleBatchRequested, ScheduleRequested, Target
from tests.fakes.sink import Request, refuse
from tests.nodes import Broker, await_registered
from tests.support.beats import EVERY_SECOND, beat_once_each_second
from tests.support.processes import Process
from tests.support.publisher_rows import is_known
from tests.support.system import SECRET, System, in_seconds, started, system
from tests.support.waiting import eventually, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORT = {
    "TIMEBALL_PUBLISHER_LEASE_SECONDS": "12",
    "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "10",
    "TIMEBALL_TIMERS": EVERY_SECOND,
}
SLOW_SECONDS = 2.5
SECOND = timedelta(seconds=1)
SUCCEEDED = "publish.succeeded"


@dataclass
class Outage:
    """A system that went through one, and the posts that were under way."""

    running: System
    services: Sequence[Process] = ()
    posts: dict[str, datetime] = field(default_factory=dict)
    over_at: datetime | None = None
    """When what had gone away was there again."""

    async def schedule(self, name: str, due_at: datetime, *, count: int = 3, account_id: str = "plain") -> list[str]:
        """Ask for posts due at an instant."""
        posts = [f"{name}-{number}" for number in range(count)]
        for post_id in posts:
            targets = (Target(account_id=account_id),)
            request = ScheduleRequested(post_id=post_id, content="x", publish_at=due_at, targets=targets)
            await self.running.bus.emit(request)
            self.posts[post_id] = due_at
        return posts

    async def outcomes(self) -> dict[str, str]:
        """What became of each post."""
        outcomes = [await self.running.bus.outcome(post_id) for post_id in self.posts]
        return {str(outcome.post_id): outcome.type for outcome in outcomes}

    def appearances(self) -> dict[str, int]:
        """How often each post is to be seen."""
        return {post_id: self.running.sink.appearances()[post_id] for post_id in self.posts}


def in_flight_is_slow(request: Request) -> float:
    """Requests about these posts are answered late."""
    return SLOW_SECONDS if request.post_id.startswith("in-flight") else 0.0


async def an_outage(running: System, *services: str) -> Outage:
    """Services with their accounts, before anything has happened to them."""
    running.sink.slow = in_flight_is_slow
    processes = await started(running, *services, env=SHORT)
    await running.connect("plain")
    await running.connect("hook", "webhook", credentials={"secret": SECRET})
    return Outage(running, processes)


async def the_broker_is_killed(outage: Outage, broker: Broker) -> None:
    """A power cut, with posts in the wheel, in a retry queue, waiting in the publisher and in flight."""
    bus, sink = outage.running.bus, outage.running.sink
    begun_at = in_seconds(0)
    in_flight = await outage.schedule("in-flight", in_seconds(4))
    retried = await outage.schedule("retried", in_seconds(3))
    for post_id in retried:
        sink.will_answer(post_id, refuse(503))
    claimed = await outage.schedule("claimed", begun_at + timedelta(seconds=6))
    await outage.schedule("expired", begun_at + timedelta(seconds=10))
    await outage.schedule("in-the-wheel", begun_at + timedelta(seconds=22))
    for post_id in retried:
        await bus.fact("publish.retrying", post_id=post_id)
    await eventually(lambda: all(map(sink.requests, in_flight)), what="the sends are in flight")
    if isinstance(broker, BrokerNode):
        await asyncio.to_thread(await_registered, broker, "publisher.requests", "timeball.delay.63")
    for post_id in claimed:
        known = partial(is_known, outage.running.database_url("publisher"), post_id)
        await eventually(known, every=0.1, what=f"{post_id} is claimed")
    await until(begun_at + timedelta(seconds=5))
    await asyncio.to_thread(broker.kill)
    await until(outage.posts["claimed-0"] + SECOND)
    await asyncio.to_thread(broker.start)
    outage.over_at = in_seconds(0)


async def the_database_is_restarted(outage: Outage, postgres: PostgresNode) -> None:
    """Down until the replies to what is in flight have come, so that nobody could write them down."""
    sink = outage.running.sink
    begun_at = in_seconds(0)
    in_flight = await outage.schedule("in-flight", in_seconds(3))
    in_flight += await outage.schedule("in-flight-hook", in_seconds(3), account_id="hook")
    await outage.schedule("claimed", begun_at + timedelta(seconds=4))
    await outage.schedule("in-the-wheel", begun_at + timedelta(seconds=10))
    await eventually(lambda: all(map(sink.requests, in_flight)), what="the sends are in flight")
    await asyncio.to_thread(postgres.stop)
    await eventually(
        lambda: {request.post_id for request in sink.answered} >= set(in_flight),
        what="the replies are there",
    )
    await asyncio.to_thread(postgres.start)


async def replicas_are_killed(outage: Outage) -> None:
    """One of two schedulers and one of two publishers, while 300 posts are under way."""
    bus, sink = outage.running.bus, outage.running.sink
    scheduler, _, publisher, _ = outage.services
    due_at = in_seconds(6)
    posts = [
        ScheduleRequested(
            post_id=f"post-{number}",
            content="x",
            publish_at=due_at + timedelta(milliseconds=10 * number),
            targets=(Target(account_id="hook"),),
        )
        for number in range(300)
    ]
    outage.posts = dict.fromkeys((post.post_id for post in posts), due_at)
    batches = [posts[start : start + 100] for start in (0, 100, 200)]
    for number, batch in enumerate(batches):
        bodies = tuple(post.model_dump(mode="json", exclude_none=True) for post in batch)
        await bus.emit(ScheduleBatchRequested(batch_id=f"batch-{number}", posts=bodies))
    await bus.fact("schedule.batch_settled")
    await scheduler.kill()
    await eventually(lambda: len(sink.ledger) > 50, what="some are published")
    await publisher.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outages(
    broker_node: Broker, postgres_node: PostgresNode, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Outage]]:
    """Every system, after what happened to it."""

    def databases(name: str) -> dict[str, str]:
        return {one: postgres_node.create_database(f"{one}_{name}") for one in ("scheduler", "publisher")}

    async with AsyncExitStack() as stack:

        async def enter(name: str, *services: str, **databases: str) -> Outage:
            folder: Path = tmp_path_factory.mktemp(name)
            return await an_outage(await stack.enter_async_context(system(folder, broker_node, **databases)), *services)

        without_broker = await enter("without-broker", "scheduler", "publisher")
        await the_broker_is_killed(without_broker, broker_node)
        without_database = await enter("without-database", "scheduler", "publisher", **databases("outage"))
        await the_database_is_restarted(without_database, postgres_node)
        services = ("scheduler", "scheduler", "publisher", "publisher")
        without_replicas = await enter("without-replicas", *services, **databases("replicas"))
        await replicas_are_killed(without_replicas)
        yield {"broker": without_broker, "database": without_database, "replicas": without_replicas}


@pytest.mark.parametrize("gone", ["broker", "database", "replicas"])
async def test_every_post_appears_once_whatever_goes_away(gone: str, outages: dict[str, Outage]) -> None:
    outage = outages[gone]

    outcomes = await outage.outcomes()

    assert outcomes == dict.fromkeys(outage.posts, SUCCEEDED)
    assert {post: times for post, times in outage.appearances().items() if times != 1} == {}


async def test_what_had_been_claimed_is_published_without_a_broker(outages: dict[str, Outage]) -> None:
    outage = outages["broker"]

    (sent, *_) = [outage.running.sink.requests(f"claimed-{number}")[0] for number in range(3)]

    assert outage.over_at is not None
    assert sent.at < outage.over_at


@pytest.mark.parametrize("gone", ["broker", "database"])
async def test_the_services_are_ready_again(gone: str, outages: dict[str, Outage]) -> None:
    outage = outages[gone]

    for service in outage.services:
        await service.ready()

    (again,) = await outage.schedule("again", in_seconds(3), count=1)
    assert (await outage.running.bus.outcome(again)).type == SUCCEEDED


@pytest.mark.parametrize("gone", ["broker", "database", "replicas"])
async def test_every_tick_of_a_timer_is_told_once_whatever_goes_away(gone: str, outages: dict[str, Outage]) -> None:
    await beat_once_each_second(outages[gone].running.bus, until=in_seconds(0))


@pytest.mark.parametrize("gone", ["broker", "database", "replicas"])
async def test_a_graceful_stop_leaves_nothing_unacknowledged(gone: str, outages: dict[str, Outage]) -> None:
    outage = outages[gone]
    await outage.outcomes()
    alive = [service for service in outage.services if service.running]

    codes = await asyncio.gather(*(service.stop() for service in alive))

    bus = outage.running.bus
    queues = (
        "publisher.requests",
        "publisher.commands",
        "scheduler.requests",
        "scheduler.batches",
        "scheduler.outcomes",
    )
    assert codes == [0] * len(alive)
    assert {queue: await bus.depth(queue) for queue in queues} == dict.fromkeys(queues, 0)
