"""Garbage: looked for seldom while there is work, and whenever there is none."""

import asyncio
import gc
from collections.abc import Callable

LOOK_SECONDS = 10.0
WORTH_COLLECTING = 20_000
"""New objects: what some twenty lost connections leave behind, rings of tasks and tracebacks, is about 4 MB."""


def spare_the_collector(collect_after: int) -> None:
    """Collect garbage seldom: each collection looks at every post that waits in memory and stops all else meanwhile,
    for up to 200 ms; and hardly anything here forms rings. What start-up made is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(collect_after, 20, 100)


async def collect_when_idle(is_idle: Callable[[], bool], look_seconds: float = LOOK_SECONDS) -> None:
    """For ever: collect what has gathered while nobody waits; a broker that is away for hours leaves hundreds of MB."""
    while True:
        await asyncio.sleep(look_seconds)
        if gc.get_count()[0] > WORTH_COLLECTING and is_idle():
            gc.collect()
