"""Waiting for what another process does: ask until the answer is yes, and say what was waited for when it is not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from inspect import isawaitable

from shared.clocks.clock import SystemClock

PATIENCE = 120.0
"""Seconds that a test waits for what should come: more than any machine needs, and reached only when it never comes."""
LATE = timedelta(seconds=10)
"""More than a busy machine adds to anything: what is so late is late for a reason that a test may be about."""


async def eventually(
    condition: Callable[[], object | Awaitable[object]],
    *,
    what: str = "",
    within: float = PATIENCE,
    every: float = 0.02,
) -> None:
    """Return once the condition holds; AssertionError when it does not within so many seconds."""
    deadline = time.monotonic() + within
    while not await _holds(condition):
        assert time.monotonic() < deadline, f"after {within:g} s still not: {what or condition}"
        await asyncio.sleep(every)


async def until(instant: datetime) -> None:
    """Return at the instant, for tests of what happens at one."""
    await SystemClock().sleep_until(instant)


async def _holds(condition: Callable[[], object | Awaitable[object]]) -> bool:
    answer = condition()
    return bool(await answer if isawaitable(answer) else answer)
