"""Sending the posts of an import: in the background, a batch at a time, by one replica."""

import asyncio

import structlog
from sqlalchemy import RowMapping

from services.console.api.console import Console
from services.console.api.posts import settle_batch
from services.console.api.run_work import AGAIN_SECONDS
from services.console.imports.outcomes import BatchOutcome, outcome_of
from services.console.requests.import_runs import Batch
from shared.events.requests import ScheduleBatchRequested
from shared.messaging.broker import BrokerUnavailable

log = structlog.get_logger()


async def send_posts(console: Console, run: RowMapping) -> None:
    """Send what is left of an import, until it is stopped."""
    runs, run_id = console.imports, run["run_id"]
    while await runs.is_running(run_id):
        batch = await runs.next_batch(run_id)
        if batch is None:
            return await runs.end(run_id, console.clock.now())
        if outcome := await _sent(console, run, batch):
            await runs.record(run_id, batch, outcome, console.clock.now())
        else:
            await asyncio.sleep(AGAIN_SECONDS)
    return None


async def _sent(console: Console, run: RowMapping, batch: Batch) -> BatchOutcome | None:
    """What became of it, None while nobody answers."""
    overwrite = run["overwrite"] and not batch.is_repeated
    request = request_for(run["run_id"], batch, overwrite=overwrite)
    try:
        await console.requests.queues.ensure_for(request)
        await console.imports.note_sending(run["run_id"], batch, console.clock.now())
        answer = await settle_batch(console, request)
    except BrokerUnavailable as error:
        log.info("import_waits", run_id=run["run_id"], error=repr(error))
        await console.imports.note(run["run_id"], str(error))
        return None
    if answer.pending and not answer.waiting:
        return None
    return outcome_of(batch.lines, answer.model_dump(mode="json"), overwrite=overwrite)


def request_for(run_id: str, batch: Batch, *, overwrite: bool) -> ScheduleBatchRequested:
    """The request for the posts of a batch; unless it overwrites, each expects not to be there, or to be the same.

    What is sent again must overwrite nothing: the request before may have arrived, and who has edited or cancelled its
    posts since must not find that undone. What that request has scheduled counts as unchanged.
    """
    expected = {} if overwrite else {"expected_revision": 0}
    posts = tuple(expected | dict(line.post or {}) for line in batch.lines)
    return ScheduleBatchRequested(batch_id=f"import-{run_id}-{batch.position}", posts=posts)
