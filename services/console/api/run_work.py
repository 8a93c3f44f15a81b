"""Working on runs in the background, whatever kind they are of."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import RowMapping

from services.console.api.console import Console
from services.console.requests.runs import Runs

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 5.0

log = structlog.get_logger()


async def carry_out(console: Console, runs: Runs, work: Callable[[Console, RowMapping], Awaitable[None]]) -> None:
    """For ever: work on runs that are started. One that another replica had begun goes on when its claim is over."""
    while True:
        try:
            run = await runs.claim(console.clock.now())
            if run:
                await work(console, run)
            else:
                await asyncio.sleep(LOOK_SECONDS)
        except Exception as error:
            log.warning("run_interrupted", error=repr(error))
            await asyncio.sleep(AGAIN_SECONDS)
