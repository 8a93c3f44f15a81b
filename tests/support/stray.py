"""Cancellations that nobody asked for."""

import asyncio


async def wait_for_what_is_given_up() -> None:
    """Wait for something that others cancel, as libraries do when a connection ends."""
    waited_for = asyncio.get_running_loop().create_future()
    waited_for.cancel()
    await waited_for
