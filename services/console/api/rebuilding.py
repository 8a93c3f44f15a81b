"""Rebuilding the read model: every service tells what it keeps."""

import asyncio
from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.access import ADMIN
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.requests.sender import from_each
from shared.contract.entries import KEEPERS
from shared.events.base import Id
from shared.events.rebuilding import ConsoleRebuildAnswered, ConsoleRebuildRequested

PATIENCE = timedelta(seconds=12)
"""Twice that is less than what clients wait for an answer."""
LOOK_SECONDS = 0.2

router = APIRouter(tags=["console"])


class ToldView(BaseModel):
    """A service that has told all that it keeps: so many things, in so many parts, so many of which have been read."""

    service: str
    told: int
    parts: int
    read: int


class Rebuild(BaseModel):
    """Who has told what; the services in `waiting` have not finished yet, or not everything of theirs has been read."""

    correlation_id: str
    services: list[ToldView]
    waiting: list[str]


@router.post("/v1/console:rebuild", status_code=202, dependencies=[ADMIN])
async def rebuild(console: TheConsole) -> Rebuild:
    """Have every service tell what it keeps, and learn it; what the console knows to be newer stays."""
    until = from_each(KEEPERS, ConsoleRebuildAnswered)
    answers = await console.requests.send_and_wait(ConsoleRebuildRequested(), until, patience=PATIENCE)
    return await _read(console, answers.correlation_id, within=PATIENCE if answers.is_complete else timedelta(0))


@router.get("/v1/console/rebuilds/{correlation_id}", responses={404: {"model": ErrorAnswer}}, dependencies=[ADMIN])
async def show_rebuild(console: TheConsole, correlation_id: Id) -> Rebuild:
    """How far a rebuild has come; it is over when no service is waited for."""
    if not await console.queries.tellings.is_known(correlation_id):
        known_by = "`POST /v1/console:rebuild` answers the `correlation_id` of the one that it begins"
        raise Refusal(404, "not_found", f"no rebuild {correlation_id!r} is known; {known_by}")
    return await _so_far(console, correlation_id)


async def _so_far(console: Console, correlation_id: str) -> Rebuild:
    told = await _told(console, correlation_id)
    are_done = {one.service for one in told if one.read >= one.parts}
    return Rebuild(
        correlation_id=correlation_id, services=told, waiting=[name for name in KEEPERS if name not in are_done]
    )


async def _read(console: Console, correlation_id: str, *, within: timedelta) -> Rebuild:
    """The rebuild once all that was told has been read, or as it is after so long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within.total_seconds()
    while True:
        rebuilt = await _so_far(console, correlation_id)
        if not rebuilt.waiting or loop.time() >= deadline:
            return rebuilt
        await asyncio.sleep(LOOK_SECONDS)


async def _told(console: Console, correlation_id: str) -> list[ToldView]:
    return [ToldView.model_validate(dict(row)) for row in await console.queries.tellings.of(correlation_id)]
