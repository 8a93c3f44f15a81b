"""A network that hangs, and posts that pile up for it, do not make the others' posts late."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.publisher.limits.account_circuits import OPENS_AFTER
from tests.fakes.sink import Sink, refuse
from tests.nodes import Broker
from tests.support.system import System, a_request, running_system
from tests.support.waiting import eventually, with_time_enough

HEALTHY, HANGING = 150, 400
NARROW = {"TIMEBALL_PUBLISHER_PREFETCH": "200"}
"""Fewer than hang, so that what waits for the hanging network would fill it."""
IMPATIENT = {"TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "3"}
HUNG_FOR = timedelta(minutes=2)
"""So late is a post that waits for the turn of one that hangs: far more than a machine without processors adds."""
PATIENT = {
    "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": f"{HUNG_FOR.total_seconds():g}",
    "TIMEBALL_PUBLISHER_LEASE_SECONDS": "150",
}


async def lateness(running: System, name: str, *, count: int = HEALTHY) -> timedelta:
    """Have posts fall due one after another, and tell how late the last of them was."""
    posts = [f"{name}-{number}" for number in range(count)]
    requests = [a_request(post_id, due_in=3 + number * 0.02) for number, post_id in enumerate(posts)]
    await asyncio.gather(*map(running.bus.emit, requests))
    outcomes = await asyncio.gather(*(running.bus.outcome(post_id) for post_id in posts))
    assert {outcome.type for outcome in outcomes} == {"publish.succeeded"}
    return timedelta(milliseconds=max(outcome.body["lateness_ms"] for outcome in outcomes))


async def test_a_destination_that_fills_the_prefetch_lets_the_others_pass(broker_node: Broker, tmp_path: Path) -> None:
    async with (
        running_system(tmp_path, broker_node, "publisher", env=NARROW) as running,
        Sink().serving() as crowded,
    ):
        await running.connect("plain")
        await running.connect("crowded", url=f"{crowded.url}/crowded")

        async def others_beside_a_crowd(lead: float) -> list[str] | None:
            """The crowd, where all of it still waited for its instant when the others were out; else None."""
            crowd = [f"crowd-{lead:g}-{number}" for number in range(HANGING)]
            await asyncio.gather(*(running.bus.emit(a_request(post_id, "crowded", due_in=lead)) for post_id in crowd))
            await lateness(running, f"other-{lead:g}", count=20)
            return None if any(map(crowded.requests, crowd)) else crowd

        crowd = await with_time_enough(others_beside_a_crowd, lead=16)
        outcomes = await asyncio.gather(*(running.bus.outcome(post_id) for post_id in crowd))

    assert {outcome.type for outcome in outcomes} == {"publish.succeeded"}


def postponed_in(running: System) -> list[dict[str, Any]]:
    """Facts of posts that rest because their destination does not answer."""
    told = (fact.body for fact in running.bus.heard("publish.retrying"))
    return [body for body in told if body["error"]["code"] == "circuit_open"]


async def test_a_network_that_hangs_does_not_delay_the_others(broker_node: Broker, tmp_path: Path) -> None:
    async with (
        running_system(tmp_path, broker_node, "publisher", env=NARROW | PATIENT) as running,
        Sink().serving() as hanging,
    ):
        hanging.slow = lambda _: 600.0
        await running.connect("plain")
        await running.connect("stuck", url=f"{hanging.url}/stuck")

        stuck = [a_request(f"stuck-{number}", "stuck", due_in=1) for number in range(HANGING)]
        await asyncio.gather(*map(running.bus.emit, stuck))
        await eventually(lambda: len(hanging.ledger) >= 100, what="the hanging network's turns are taken")
        beside = await lateness(running, "beside")
        await eventually(lambda: bool(postponed_in(running)), what="what has no turn is postponed")
        attempts = {body["attempt"] for body in postponed_in(running)}

    assert beside < HUNG_FOR / 2
    assert attempts == {0}


def hang(sink: Sink, _: Iterable[str]) -> None:
    """The network takes requests and does not answer."""
    sink.slow = lambda _: 600.0


def answer_502(sink: Sink, posts: Iterable[str]) -> None:
    """A proxy answers in the network's place."""
    for post_id in posts:
        sink.will_answer(post_id, *[refuse(502)] * 100)


def go_well(sink: Sink) -> None:
    """The network answers as it should."""
    sink.slow = lambda _: 0.0
    sink.answers.clear()


@pytest.mark.parametrize("go_wrong", [hang, answer_502])
async def test_an_account_whose_requests_all_fail_leaves_few_posts_in_doubt(
    broker_node: Broker, tmp_path: Path, go_wrong: Callable[[Sink, Iterable[str]], None]
) -> None:
    """Far fewer posts than there are turns at the destination; each would be sent in vain until it is well again."""
    first, later = [f"first-{number}" for number in range(OPENS_AFTER)], [f"later-{number}" for number in range(12)]
    async with (
        running_system(tmp_path, broker_node, "publisher", env=IMPATIENT) as running,
        Sink().serving() as sink,
    ):
        go_wrong(sink, first + later)
        await running.connect("stuck", url=f"{sink.url}/stuck")
        await asyncio.gather(*(running.bus.emit(a_request(post_id, "stuck", due_in=1)) for post_id in first))
        in_doubt = await asyncio.gather(*map(running.bus.outcome, first))

        await asyncio.gather(*(running.bus.emit(a_request(post_id, "stuck", due_in=1)) for post_id in later))
        most = len(later) - 2  # one or the other is sent to see whether the network is well again
        await eventually(lambda: len({body["post_id"] for body in postponed_in(running)}) >= most, what="they wait")
        go_well(sink)
        outcomes = await asyncio.gather(*map(running.bus.outcome, later))

    assert {outcome.type for outcome in in_doubt} == {"publish.unknown"}
    published = [outcome.body["attempts"] for outcome in outcomes if outcome.type == "publish.succeeded"]
    assert len(published) >= most
    assert set(published) == {1}
