"""Running everything on one machine: the programs under a supervisor, until each of them does its work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deploy.local.programs import Place, programs
from deploy.local.supervisor import Patience, Supervisor
from shared.database.upgrading import UPGRADING
from shared.process.ending import END_SECONDS

ASK_SECONDS = 0.2
TELL_SECONDS = 5.0
STOP_SECONDS = END_SECONDS + 2
"""A service that cannot end in good order says so and ends by itself before it is killed."""

_READY = "ready"

LONGER = ". Those that only need longer get it by `timeball up --patience SECONDS`"

MENDED_MEANWHILE = frozenset({"credentials"})
"""What a service may lack all the same: whoever has lost the keys connects accounts again, by the console."""

Tell = Callable[[str], None]


class NotReady(Exception):
    """A program did not become ready in time."""


@asynccontextmanager
async def running_programs(
    places: Sequence[Place], home: Path, broker_url: str, tell: Tell
) -> AsyncIterator[Supervisor]:
    """The programs run for the length of the block; those that die are started again."""
    for place in places:
        if place.is_moved:
            tell(f"port {place.wanted} is taken: {place.name} gets {place.port}")
    supervisor = Supervisor(programs(list(places), home, broker_url), patience=Patience(before_kill=STOP_SECONDS))
    try:
        await supervisor.start()
        yield supervisor
    finally:
        tell("stopping")
        await supervisor.stop()


async def until_ready(places: Sequence[Place], patience: float, tell: Tell, *, given_up: Collection[str] = ()) -> None:
    """Return when every program does its work; tell every few seconds for whom it waits.

    Raises NotReady when that takes too long, and at once when one is `given_up`. An upgrade of a database takes as long
    as it takes: to end it would be to begin it anew.
    """
    tell(f"starting {', '.join(place.name for place in places)}")
    loop = asyncio.get_running_loop()
    give_up_at, tell_at = loop.time() + patience, loop.time() + TELL_SECONDS
    async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
        while waiting := {place.name: said for place in places if (said := await _said(http, place)) != _READY}:
            if given_up:
                raise NotReady(f"cannot be started: {', '.join(given_up)}; what is wrong is above")
            upgrading = [
                f"{name}: its database: {said}" for name, said in waiting.items() if said.startswith(UPGRADING)
            ]
            if upgrading:
                give_up_at = loop.time() + patience
            elif loop.time() > give_up_at:
                raise NotReady(f"not ready after {patience} s: {', '.join(waiting)}; what they say is above{LONGER}")
            if loop.time() > tell_at:
                tell("; ".join([f"waiting for {', '.join(waiting)}", *upgrading]))
                tell_at = loop.time() + TELL_SECONDS
            await asyncio.sleep(ASK_SECONDS)


async def _said(http: httpx.AsyncClient, place: Place) -> str:
    """What a program says of its database, or that it is ready."""
    try:
        answer = await http.get(place.ready_url)
        if answer.is_success:
            return _READY
        problems = answer.json()["problems"]
        return _READY if problems and problems.keys() <= MENDED_MEANWHILE else problems["database"]
    except (httpx.HTTPError, ValueError, KeyError):
        return ""
