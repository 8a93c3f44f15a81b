"""The loop of the simulation: time that jumps, processes that freeze and die."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.simulation.virtual_time import EPOCH, Process, Stuck, VirtualLoop, now


def run(loop: VirtualLoop, work: Coroutine[Any, Any, Any]) -> None:
    """Run it to its end, on a loop of its own."""
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


def test_an_hour_passes_at_once() -> None:
    """Nobody waits: the clock jumps to whatever comes next."""
    loop = VirtualLoop()

    run(loop, asyncio.sleep(3600))

    assert loop.time() == 3600


def test_a_frozen_process_goes_on_where_it_was() -> None:
    """Its timers run out meanwhile, and what they would have done is done afterwards."""
    loop, process, done_at = VirtualLoop(), Process("one", "service"), list[float]()

    async def work() -> None:
        await asyncio.sleep(1)
        done_at.append(loop.time())

    async def world() -> None:
        loop.start(process, work())
        await asyncio.sleep(0.5)
        process.is_frozen = True
        await asyncio.sleep(10)
        loop.thaw(process)
        await asyncio.sleep(0)

    run(loop, world())

    assert done_at == [10.5]


def test_a_dead_process_does_nothing_more() -> None:
    """Not even what it has in a `finally`."""
    loop, process, done = VirtualLoop(), Process("one", "service"), list[str]()

    async def work() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            done.append("cleaned up")

    async def world() -> None:
        loop.start(process, work())
        await asyncio.sleep(0.5)
        process.is_alive = False
        loop.bury()
        await asyncio.sleep(10)
        assert done == []

    run(loop, world())


def test_a_process_reads_its_own_wall_clock() -> None:
    """The world outside reads the true time."""
    loop, process, read = VirtualLoop(), Process("one", "service"), list[Any]()
    process.clock_offset += EPOCH.replace(hour=1) - EPOCH

    async def work() -> None:
        read.append(now())

    async def world() -> None:
        await loop.start(process, work())
        read.append(now())

    run(loop, world())

    assert read == [EPOCH.replace(hour=1), EPOCH]


def test_going_in_circles_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in which no time passes any more ends with an error."""
    monkeypatch.setattr("tests.simulation.virtual_time.MOST_STEPS_AT_ONCE", 1000)
    loop = VirtualLoop()

    def again() -> None:
        loop.call_soon(again)

    async def circles() -> None:
        again()
        await asyncio.sleep(1)

    with pytest.raises(Stuck):
        run(loop, circles())
