"""Working on runs in the background, whatever kind they are of."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import RowMapping

from services.console.api.console import Console
from services.console.requests.runs import Runs
from shared.database.errors import is_passing
from shared.messaging.broker import BrokerUnavailable

LOOK_SECONDS = 1.0
"""How often a replica looks for runs that another one has started."""
AGAIN_SECONDS = 5.0

log = structlog.get_logger()


async def carry_out(console: Console, runs: Runs, work: Callable[[Console, RowMapping], Awaitable[None]]) -> None:
    """For ever: work on runs that are started. One that another replica had begun goes on when its claim is over.

    An error that does not pass by itself stops the run, which shows it: it would come again for ever.
    """
    while True:
        run: RowMapping | None = None
        try:
            run = await runs.claim(console.clock.now())
            if run:
                await work(console, run)
            else:
                await runs.until_started(LOOK_SECONDS)
        except Exception as error:
            if run:
                await _interrupted(console, runs, run["run_id"], error)
            else:
                log.warning("runs_not_claimed", error=repr(error))
            await asyncio.sleep(AGAIN_SECONDS)


async def _interrupted(console: Console, runs: Runs, run_id: str, error: Exception) -> None:
    if is_passing(error) or isinstance(error, BrokerUnavailable):
        log.warning("run_interrupted", run_id=run_id, error=repr(error))
        return
    log.error("run_failed", run_id=run_id, exc_info=error)
    try:
        await runs.fail(run_id, "the console failed at it; its log says more", console.clock.now())
    except Exception as failure:
        log.warning("run_failure_not_kept", run_id=run_id, error=repr(failure))
