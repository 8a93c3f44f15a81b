"""Scenarios that are independent and mostly wait: one world serves them all side by side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

WorldT = TypeVar("WorldT")
Trials = Mapping[str, asyncio.Task[None]]
"""By the name of each scenario, what waits for its end."""


@asynccontextmanager
async def side_by_side(
    scenarios: Mapping[str, Callable[[WorldT], Awaitable[None]]], world: WorldT
) -> AsyncIterator[Trials]:
    """Every scenario is under way for the length of the block."""

    async def run(promise: Callable[[WorldT], Awaitable[None]]) -> None:
        await promise(world)

    trials = {name: asyncio.create_task(run(promise)) for name, promise in scenarios.items()}
    try:
        yield trials
    finally:
        for trial in trials.values():
            trial.cancel()
        await asyncio.gather(*trials.values(), return_exceptions=True)
