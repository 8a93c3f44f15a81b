"""The budget of bytes: nothing beyond it begins, nothing waits for ever, and the order is kept."""

import asyncio

from shared.messaging.budget import ByteBudget


async def holder(budget: ByteBudget, size: int, begun: list[int], done: asyncio.Event) -> None:
    async with budget.holding(size):
        begun.append(size)
        await done.wait()


async def begun_within(most: int, *sizes: int) -> tuple[list[int], list[int]]:
    """What begins at once, and what has begun when all is done."""
    budget, begun, done = ByteBudget(most), list[int](), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for size in sizes:
            tasks.create_task(holder(budget, size, begun, done))
        await asyncio.sleep(0)
        at_once = list(begun)
        done.set()
    return at_once, begun


async def test_what_fits_begins_at_once() -> None:
    assert await begun_within(10, 4, 6) == ([4, 6], [4, 6])


async def test_what_does_not_fit_waits_for_room() -> None:
    assert await begun_within(10, 6, 5, 5) == ([6], [6, 5, 5])


async def test_small_bodies_do_not_overtake_large_ones() -> None:
    assert await begun_within(10, 6, 8, 1) == ([6], [6, 8, 1])


async def test_one_body_larger_than_the_budget_may_begin_alone() -> None:
    assert await begun_within(10, 50, 50) == ([50], [50, 50])


async def test_whoever_gives_up_waiting_leaves_the_room_to_others() -> None:
    budget, begun, done = ByteBudget(10), list[int](), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(holder(budget, 10, begun, done))
        impatient = tasks.create_task(holder(budget, 9, begun, done))
        tasks.create_task(holder(budget, 8, begun, done))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        done.set()

    assert begun == [10, 8]
