"""Carrying out acts on many posts: in the background, a batch at a time, by one replica."""

import asyncio

import structlog
from sqlalchemy import RowMapping

from services.console.api.bulk import RunView
from services.console.api.changes import cancel_post, change_post
from services.console.api.console import Console
from services.console.api.deciding import retry_post
from services.console.api.errors import Refusal
from services.console.api.run_work import AGAIN_SECONDS
from services.console.requests.bulk_runs import Act, Item, Result
from services.console.requests.editing import Change
from shared.database.engine import is_passing
from shared.messaging.broker import BrokerUnavailable

SIDE_BY_SIDE = 10

log = structlog.get_logger()


async def act_on_posts(console: Console, run: RowMapping) -> None:
    """Do what is left of a run, until it is stopped."""
    runs, run_id, view = console.bulk, run["run_id"], RunView.of(run)
    side_by_side = asyncio.Semaphore(SIDE_BY_SIDE)

    async def do(item: Item) -> Result:
        async with side_by_side:
            return await _done(console, view, item)

    while await runs.is_running(run_id):
        items = await runs.left(run_id)
        if not items:
            return await runs.end(run_id, console.clock.now())
        await runs.record(run_id, await asyncio.gather(*map(do, items)), console.clock.now())
    return None


async def _done(console: Console, run: RunView, item: Item) -> Result:
    """What became of one post. Who cannot be reached at all is no reason to refuse it: the run waits."""
    while True:
        try:
            is_pending = await _act(console, run, item)
            return Result(item.position, "pending" if is_pending else "done")
        except Refusal as refusal:
            return Result(item.position, "refused", refusal.problem.detail)
        except Exception as error:
            if not isinstance(error, BrokerUnavailable) and not is_passing(error):
                log.exception("bulk_item_failed", post_id=item.post_id, account_id=item.account_id)
                return Result(item.position, "refused", "the console failed at it; its log says how")
            log.info("bulk_item_waits", post_id=item.post_id, error=repr(error))
            await asyncio.sleep(AGAIN_SECONDS)
            if not await console.bulk.is_running(run.id):
                return Result(item.position, "pending", f"stopped while it could not be answered: {error}")


async def _act(console: Console, run: RunView, item: Item) -> bool:
    """Do it; whether the answer is still to come."""
    accounts = [item.account_id]
    if run.act is Act.CANCEL:
        return (await cancel_post(console, item.post_id, accounts)).pending
    if run.act is Act.RETRY:
        return (await retry_post(console, item.post_id, item.account_id)).pending
    assert run.move
    listed = [one for one in await console.queries.post(item.post_id) if one.post.account_id == item.account_id]
    if not listed:
        raise Refusal(404, "not_found", f"post {item.post_id!r} is not there any more")
    change = Change(publish_at=run.move.of(listed[0].due_at, item.position))
    return (await change_post(console, item.post_id, change, accounts)).pending
