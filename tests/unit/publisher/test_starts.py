"""Starts: each goes to the post that is due first when it comes, and a missed one costs nobody its attempt."""

import asyncio
from datetime import timedelta

from services.publisher.limits.grants import Start
from services.publisher.limits.pace import Pace
from services.publisher.limits.starts import Runner, Starts
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, SECOND
from tests.support.waiting import PATIENCE


class World:
    """The starts of one account, at noon."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOON)
        self.missing_told = asyncio.Event()
        self.starts = Starts(self.clock, Pace(), self.missing_told.set)

    def enter(self, due_in: float) -> Runner:
        due_at = NOON + due_in * SECOND
        return self.starts.enter((due_at, due_at, 1))


def start(begins_in: float) -> Start:
    return Start(NOON + begins_in * SECOND, NOON + (begins_in + 0.1) * SECOND)


async def reached(world: World, after: timedelta) -> None:
    """Let the clock get there, once the starts wait for it."""
    await world.clock.until_awaited(NOON + after)
    world.clock.advance(NOON + after - world.clock.now())


async def test_a_start_goes_to_the_post_that_is_due_first_though_it_came_last() -> None:
    world = World()
    late = world.enter(-1)
    world.starts.add([start(1), start(2)])
    early = world.enter(-2)

    await reached(world, SECOND)
    assert (await asyncio.wait_for(early.given, PATIENCE)).start_at == NOON + SECOND
    assert not late.given.done()

    await reached(world, 2 * SECOND)
    assert (await asyncio.wait_for(late.given, PATIENCE)).start_at == NOON + 2 * SECOND


async def test_a_start_that_is_missed_leaves_its_post_without_one() -> None:
    world = World()
    post = world.enter(-1)

    world.starts.add([start(-1)])
    await asyncio.wait_for(world.missing_told.wait(), PATIENCE)

    assert not post.given.done()
    assert world.starts.missing() == [post.not_before]
    assert not world.starts.is_over


async def test_who_leaves_takes_no_start_along() -> None:
    world = World()
    quitter, stayer = world.enter(-2), world.enter(-1)
    world.starts.add([start(1)])
    assert world.starts.missing() == [stayer.not_before]

    world.starts.leave(quitter)
    assert world.starts.missing() == []
    await reached(world, SECOND)

    assert await asyncio.wait_for(stayer.given, PATIENCE)
    await asyncio.wait_for(world.missing_told.wait(), PATIENCE)
    assert world.starts.is_over


async def test_nobody_starts_before_it_is_due() -> None:
    world = World()
    post = world.enter(5)

    world.starts.add([start(1)])
    await reached(world, SECOND)
    await asyncio.wait_for(world.missing_told.wait(), PATIENCE)

    assert not post.given.done()
