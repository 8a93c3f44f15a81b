"""A run that meets an error shows it: one that passes is waited for, any other stops the run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError

from services.console.api.console import Console
from services.console.api.import_work import send_posts
from services.console.api.imports import ImportView
from services.console.api.run_work import carry_out
from services.console.imports import read
from services.console.imports.outcomes import BatchOutcome
from services.console.requests.import_runs import ImportRuns
from shared.messaging.broker import Unroutable
from tests.fakes.clock import FakeClock
from tests.support.schedules import NOON
from tests.support.waiting import PATIENCE, eventually

FILE = read(b"post_id,content,accounts,publish_at\np-1,Hello,plain,2099-03-28T09:00:00Z\n")
PLAN = {
    "posts": 1, "accounts": {"plain": 1}, "first_due": None, "last_due": None, "due_at_once": 0, "in_default_zone": 0,
    "zone": None, "encoding": "utf-8", "is_encoding_guessed": False, "example": None, "delimiter": ",", "faults": 0,
}  # fmt: skip


async def a_run(imports: ImportRuns) -> str:
    run_id = await imports.prepare("posts.csv", FILE, PLAN, by="anna", now=NOON)
    await imports.start(run_id, NOON)
    return run_id


async def shown(imports: ImportRuns, run_id: str) -> ImportView:
    run = await imports.run(run_id)
    assert run
    return ImportView.of(run, NOON)


@asynccontextmanager
async def carried_out(
    imports: ImportRuns, work: Callable[[Console, RowMapping], Awaitable[None]], **more: Any
) -> AsyncIterator[None]:
    console = cast(Console, SimpleNamespace(clock=FakeClock(NOON), imports=imports, **more))
    working = asyncio.create_task(carry_out(console, imports, work))
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_an_error_that_would_come_again_stops_the_run_which_shows_it(imports: ImportRuns) -> None:
    run_id = await a_run(imports)

    async def fails(_console: Console, _run: RowMapping) -> None:
        raise KeyError("targets")

    async def is_stopped() -> bool:
        return (await shown(imports, run_id)).state == "stopped"

    async with carried_out(imports, fails):
        await eventually(is_stopped, what="the run is stopped")

    assert (await shown(imports, run_id)).problem == "the console failed at it; its log says more"


async def test_an_error_that_passes_leaves_the_run_to_go_on(imports: ImportRuns) -> None:
    run_id = await a_run(imports)
    was_tried = asyncio.Event()

    async def is_busy(_console: Console, _run: RowMapping) -> None:
        was_tried.set()
        raise DBAPIError("", None, Exception("the connection was closed"), connection_invalidated=True)

    async with carried_out(imports, is_busy):
        await asyncio.wait_for(was_tried.wait(), PATIENCE)

    assert (await shown(imports, run_id)).state == "running"


async def test_a_run_that_waits_for_a_scheduler_says_so_until_it_goes_on(imports: ImportRuns) -> None:
    run_id = await a_run(imports)

    async def nobody(_request: Any) -> None:
        raise Unroutable("nothing was sent, for nobody takes it")

    async def is_told() -> bool:
        return (await shown(imports, run_id)).problem == "nothing was sent, for nobody takes it"

    requests = SimpleNamespace(queues=SimpleNamespace(ensure_for=nobody))
    async with carried_out(imports, send_posts, requests=requests):
        await eventually(is_told, what="the run says why it waits")
    assert (await shown(imports, run_id)).state == "running"

    batch = await imports.next_batch(run_id)
    assert batch
    await imports.record(run_id, batch, BatchOutcome(1, 0, ()), NOON)
    assert (await shown(imports, run_id)).problem is None
