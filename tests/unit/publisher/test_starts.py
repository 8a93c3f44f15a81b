"""Starts: each goes to the post that is due first when it comes; whoever is left without one waits in line again."""

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
        self.starts = Starts(self.clock, Pace())

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
    assert await asyncio.wait_for(early.given, PATIENCE) == start(1)
    assert not late.given.done()

    await reached(world, 2 * SECOND)
    assert await asyncio.wait_for(late.given, PATIENCE) == start(2)


async def test_a_start_that_is_missed_leaves_the_last_post_without_one() -> None:
    world = World()
    late, early = world.enter(-1), world.enter(-2)

    world.starts.add([start(-1), start(1)])

    assert await asyncio.wait_for(late.given, PATIENCE) is None
    await reached(world, SECOND)
    assert await asyncio.wait_for(early.given, PATIENCE) == start(1)
    assert world.starts.is_over


async def test_who_leaves_takes_no_start_along() -> None:
    world = World()
    quitter, stayer = world.enter(-2), world.enter(-1)
    world.starts.add([start(1), start(2)])

    world.starts.leave(quitter)
    await reached(world, SECOND)

    assert await asyncio.wait_for(stayer.given, PATIENCE) == start(1)
    assert world.starts.is_over


async def test_whoever_wakes_too_late_for_its_start_has_the_next_one_before_what_is_due_later() -> None:
    world = World()
    slow, later, last = world.enter(-3), world.enter(-2), world.enter(-1)
    world.starts.add([start(1), start(2), start(3)])
    await reached(world, SECOND)
    await asyncio.wait_for(slow.given, PATIENCE)
    world.clock.advance(SECOND / 2)

    began = asyncio.create_task(slow.begin())

    assert await asyncio.wait_for(last.given, PATIENCE) is None
    await reached(world, 2 * SECOND)
    assert await asyncio.wait_for(began, PATIENCE) == NOON + 2 * SECOND
    assert not later.given.done()
    await reached(world, 3 * SECOND)
    assert await asyncio.wait_for(later.given, PATIENCE) == start(3)


async def test_nobody_starts_before_it_is_due() -> None:
    world = World()
    post = world.enter(5)

    world.starts.add([start(1)])
    await reached(world, SECOND)

    assert await asyncio.wait_for(post.given, PATIENCE) is None


async def test_a_sender_that_has_given_up_stops_nobody() -> None:
    """Between its giving up and its leaving a start may come."""
    world = World()
    quitter, stayer = world.enter(-2), world.enter(-1)
    world.starts.add([start(1), start(2)])

    quitter.given.cancel()
    await reached(world, SECOND)

    assert await asyncio.wait_for(stayer.given, PATIENCE) == start(1)


async def test_a_start_of_a_clock_that_was_wrong_keeps_nobody_waiting() -> None:
    world = World()
    post = world.enter(-1)
    world.starts.add([start(3600)])
    await world.clock.until_awaited(NOON + 3600 * SECOND)

    world.starts.add([start(1)])
    await reached(world, SECOND)

    assert await asyncio.wait_for(post.given, PATIENCE) == start(1)
