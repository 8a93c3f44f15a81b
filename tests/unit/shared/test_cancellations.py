"""Whoever waits for what others give up gets an error; whoever is cancelled himself is cancelled."""

import asyncio

import pytest

from shared.connections.cancellations import StrayCancellations
from tests.support.stray import wait_for_what_is_given_up


async def test_what_others_give_up_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="given up by others"), StrayCancellations():
        await wait_for_what_is_given_up()


async def test_so_it_is_in_a_task_that_was_cancelled_before_and_went_on() -> None:
    async def goes_on() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with StrayCancellations():
                await wait_for_what_is_given_up()

    task = asyncio.create_task(goes_on())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(ConnectionError):
        await task


async def test_whoever_is_cancelled_is_cancelled() -> None:
    async def waits() -> None:
        with StrayCancellations():
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_around_it_is_a_limit() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            with StrayCancellations():
                await asyncio.Event().wait()


async def test_other_errors_are_themselves() -> None:
    with pytest.raises(ValueError, match="so it is"), StrayCancellations():
        raise ValueError("so it is")
