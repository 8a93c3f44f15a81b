"""Carrying out acts on many posts: in the background, a batch at a time, by one replica."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import structlog
from sqlalchemy import RowMapping

from services.console.api.bulk import RunView
from services.console.api.changes import cancel_post, change_post
from services.console.api.console import Console
from services.console.api.deciding import WRONG_STATE, decide
from services.console.api.errors import Refusal
from services.console.api.run_work import AGAIN_SECONDS
from services.console.requests.bulk_runs import Act, Item, Result
from services.console.requests.editing import Change
from services.console.requests.moving import Moving
from shared.database.errors import is_passing
from shared.events.requests import PublishResolveRequested, PublishRetryRequested
from shared.messaging.broker import BrokerUnavailable

SIDE_BY_SIDE = 10

log = structlog.get_logger()


async def act_on_posts(console: Console, run: RowMapping) -> None:
    """Do what is left of a run, until it is stopped."""
    runs, run_id, view = console.bulk, run["run_id"], RunView.of(run, console.clock.now())
    side_by_side = asyncio.Semaphore(SIDE_BY_SIDE)

    async def do(item: Item) -> Result:
        async with side_by_side:
            return await _done(console, view, item)

    while await runs.is_running(run_id):
        items = await runs.left(run_id)
        if not items:
            return await runs.end(run_id, console.clock.now())
        if any(item.move_to is None for item in items) and view.move:
            items = await _with_instants(console, run_id, view.move, items)
        await runs.record(run_id, await asyncio.gather(*map(do, items)), console.clock.now())
    return None


async def _with_instants(console: Console, run_id: str, move: Moving, items: Sequence[Item]) -> list[Item]:
    """The posts with the instants they are moved to, kept before anything is asked: done again, a move is the same."""
    due = {item.position: await _due_at(console, item) for item in items}
    instants = {position: move.of(due_at, position) for position, due_at in due.items() if due_at}
    await console.bulk.fix_instants(run_id, instants)
    return await console.bulk.left(run_id)


async def _due_at(console: Console, item: Item) -> datetime | None:
    listed = await console.queries.post(item.post_id)
    return next((one.due_at for one in listed if one.post.account_id == item.account_id), None)


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
            if isinstance(error, BrokerUnavailable):
                await console.bulk.note(run.id, str(error))
            await asyncio.sleep(AGAIN_SECONDS)
            if not await console.bulk.is_running(run.id):
                return Result(item.position, "pending", f"stopped while it could not be answered: {error}")


async def _act(console: Console, run: RunView, item: Item) -> bool:
    """Do it; whether the answer is still to come."""
    accounts = [item.account_id]
    if run.act is Act.CANCEL:
        return (await cancel_post(console, item.post_id, accounts)).pending
    if run.act is not Act.MOVE:
        return await _decide(console, run, item)
    if item.move_to is None:
        raise Refusal(404, "not_found", f"post {item.post_id!r} is not there any more")
    return (await change_post(console, item.post_id, Change(publish_at=item.move_to), accounts)).pending


async def _decide(console: Console, run: RunView, item: Item) -> bool:
    """Ask under an id of its own, by which one finds what this run has asked and could not record."""
    named = {"post_id": item.post_id, "account_id": item.account_id}
    if run.act is Act.RETRY:
        request: PublishRetryRequested | PublishResolveRequested = PublishRetryRequested(**named)
    else:
        request = PublishResolveRequested.model_validate(named | {"outcome": run.act.value})
    message_id = str(uuid5(NAMESPACE_URL, f"bulk/{run.id}/{item.position}"))
    try:
        return (await decide(console, request, message_id=message_id)).pending
    except Refusal as refusal:
        if refusal.problem.code == WRONG_STATE and await console.queries.timelines.has(message_id):
            return False
        raise
