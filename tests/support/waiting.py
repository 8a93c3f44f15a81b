"""Waiting for what another process does: ask until the answer is yes, and say what was waited for when it is not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from inspect import isawaitable
from typing import TypeVar

from shared.clocks.clock import SystemClock

PATIENCE = 120.0
"""Seconds that a test waits for what should come: more than any machine needs, and reached only when it never comes."""
LATE = timedelta(seconds=25)
"""More than a busy machine adds, and less than what a fault costs: a lease or a sweep, 30 s. What can be told by what
came before what, or from how long the broker was asked to wait, is not told by this."""

SELDOM = 0.1
"""Seconds between two looks at what takes long."""

AnswerT = TypeVar("AnswerT")


async def eventually(
    condition: Callable[[], object | Awaitable[object]],
    *,
    what: str = "",
    within: float = PATIENCE,
    every: float = 0.02,
) -> None:
    """Return once the condition holds; AssertionError when it does not within so many seconds.

    It is asked less often the longer it takes, for to ask may cost a service as much as what is waited for.
    """
    began = time.monotonic()
    while not await _holds(condition):
        passed = time.monotonic() - began
        assert passed < within, f"after {within:g} s still not: {what or condition}"
        await asyncio.sleep(max(every, min(passed / 10, SELDOM)))


async def until(instant: datetime) -> None:
    """Return at the instant, for tests of what happens at one."""
    await SystemClock().sleep_until(instant)


async def with_time_enough(trial: Callable[[float], Awaitable[AnswerT | None]], *, lead: float) -> AnswerT:
    """What a trial near an instant comes to, so many seconds ahead; None says that the machine was too slow for it.

    It is then tried again with twice the lead: how fast the machine is decides how long that takes, and nothing else.
    """
    while (answer := await trial(lead)) is None:
        assert lead < PATIENCE, f"not even {lead:g} s ahead"
        lead *= 2
    return answer


async def _holds(condition: Callable[[], object | Awaitable[object]]) -> bool:
    answer = condition()
    return bool(await answer if isawaitable(answer) else answer)
