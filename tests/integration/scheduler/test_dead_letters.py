"""Letters of a real scheduler: one that is killed in the middle of a replay loses none of them."""

import asyncio
from pathlib import Path

from shared.events.requests import DeadLetterDropRequested, DeadLetterReplayRequested
from tests.nodes import Broker
from tests.support.system import System, system
from tests.support.waiting import eventually

LETTERS = 400


async def malformed(running: System) -> list[str]:
    """What an outsider sends that is no request, once all of it rests."""
    bodies = [f'{{"nonsense": {number}'.encode() for number in range(LETTERS)]
    ids = [await running.bus.emit_raw(body, "schedule.requested") for body in bodies]
    await all_parked(running, ids, replays=0)
    return ids


async def all_parked(running: System, ids: list[str], *, replays: int) -> None:
    def told() -> bool:
        parked = running.bus.heard("dead_letter.parked", replays=replays)
        return {fact.body["message_id"] for fact in parked} == set(ids)

    await eventually(told, every=0.1, what=f"all are parked after {replays} replays")


async def is_done(running: System, type_: str, correlation_id: str) -> None:
    def last() -> bool:
        return any(fact.correlation_id == correlation_id for fact in running.bus.heard(type_, is_last=True))

    await eventually(last, every=0.1, what=type_)


async def test_a_scheduler_killed_in_the_middle_of_a_replay_loses_no_letter(
    tmp_path: Path, broker_node: Broker
) -> None:
    async with system(tmp_path, broker_node) as running:
        scheduler = await running.start("scheduler")
        ids = await malformed(running)

        asked = await running.bus.emit(DeadLetterReplayRequested(service="scheduler"))
        await running.bus.fact("dead_letter.replayed")
        await scheduler.kill()
        assert not running.bus.heard("dead_letter.replayed", is_last=True)
        await running.start("scheduler")
        await is_done(running, "dead_letter.replayed", asked.correlation_id)
        await all_parked(running, ids, replays=1)

        resting = await running.bus.resting_in("scheduler.dead")
        assert {message.message_id for message in resting} == set(ids)
        assert len(resting) < 2 * LETTERS

        async def all_dropped() -> bool:
            dropped = await running.bus.emit(DeadLetterDropRequested(service="scheduler"))
            await is_done(running, "dead_letter.dropped", dropped.correlation_id)
            return await running.bus.depth("scheduler.dead") == 0

        await eventually(all_dropped, what="all are dropped, the copies that came after the first request as well")


async def test_a_broker_restarted_in_the_middle_of_a_replay_loses_no_letter(
    tmp_path: Path, broker_node: Broker
) -> None:
    async with system(tmp_path, broker_node) as running:
        scheduler = await running.start("scheduler")
        ids = await malformed(running)

        asked = await running.bus.emit(DeadLetterReplayRequested(service="scheduler"))
        await running.bus.fact("dead_letter.replayed")
        await asyncio.to_thread(broker_node.restart)
        await scheduler.ready()
        await is_done(running, "dead_letter.replayed", asked.correlation_id)

        async def all_rest_again() -> bool:
            resting = await running.bus.resting_in("scheduler.dead")
            return {message.message_id for message in resting} == set(ids)

        await eventually(all_rest_again, every=0.5, what="all rest again, whoever heard of it meanwhile")
