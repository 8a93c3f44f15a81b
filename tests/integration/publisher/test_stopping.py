"""A publisher that is told to stop finishes what it is sending, and leaves what waits to the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from tests.nodes import Broker
from tests.support.system import System, a_request, in_seconds, system
from tests.support.waiting import LATE, eventually, with_time_enough

COUNT = 5
LONG_LEASE = {"TIMEBALL_PUBLISHER_LEASE_SECONDS": "150"}
"""So late is a post whose lease was not given back."""
SLOW_SECONDS = 3.0
AHEAD = 3
"""Seconds before its instant when nothing of a post has been sent yet."""


@dataclass(frozen=True)
class Stopped:
    """A publisher that was stopped before what waited was due."""

    waiting: list[str]
    in_flight: list[str]
    due_at: datetime
    code: int
    handed_back: int


async def stopped_in_time(running: System, lead: float) -> Stopped | None:
    """None where it was stopped so late that what waited may have been on its way."""
    publisher = await running.start("publisher", env=LONG_LEASE)
    await running.connect("plain")
    waiting, in_flight = ([f"{kind}-{lead:g}-{number}" for number in range(COUNT)] for kind in ("waiting", "in-flight"))
    due_at = in_seconds(lead)
    await emit_all(running, waiting, due_at)
    await emit_all(running, in_flight, in_seconds(0))
    await eventually(lambda: all(map(running.sink.requests, in_flight)), what="every send is in flight")
    assert await running.bus.depth("publisher.requests") == 0

    code = await publisher.stop()
    handed_back = await running.bus.depth("publisher.requests")
    return Stopped(waiting, in_flight, due_at, code, handed_back) if in_seconds(AHEAD) < due_at else None


async def emit_all(running: System, posts: Sequence[str], due_at: datetime) -> None:
    for post_id in posts:
        await running.bus.emit(a_request(post_id, publish_at=due_at))


async def test_a_stopping_publisher_finishes_its_sends_and_hands_back_what_waits(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running:
        sink = running.sink
        sink.slow = lambda request: SLOW_SECONDS if request.post_id.startswith("in-flight") else 0.0

        stopped = await with_time_enough(partial(stopped_in_time, running), lead=11)
        await running.start("publisher")
        ready_at = in_seconds(0)
        outcomes = {post_id: await running.bus.outcome(post_id) for post_id in stopped.waiting + stopped.in_flight}

    assert stopped.code == 0
    assert stopped.handed_back == COUNT
    assert {outcome.type for outcome in outcomes.values()} == {"publish.succeeded"}
    assert {post_id: len(sink.requests(post_id)) for post_id in outcomes} == dict.fromkeys(outcomes, 1)
    assert all(sink.requests(post_id)[0].at - max(stopped.due_at, ready_at) < LATE for post_id in stopped.waiting)
    assert all(outcomes[post_id].body["attempts"] == 1 for post_id in stopped.waiting)


async def test_a_publisher_stopped_before_its_broker_answers_ends_all_the_same(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running:
        nobody = {"TIMEBALL_BROKER_URL": "amqp://guest:guest@127.0.0.1:1/"}
        lonely = await running.start("publisher", ready=False, env=nobody)
        await eventually(lambda: "publishing" in lonely.problems(), what="it runs without being ready")

        code = await lonely.stop()

    assert code == 0
