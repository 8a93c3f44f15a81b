"""Rebuilding the read model: every service tells what it keeps."""

from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.access import ADMIN
from services.console.api.console import TheConsole
from services.console.api.views import of_type
from services.console.requests.sender import from_each
from shared.events.rebuilding import ConsoleRebuildAnswered, ConsoleRebuildRequested

TELLERS = ("scheduler", "publisher", "monitor")
"""The services that keep what the console shows."""
PATIENCE = timedelta(seconds=60)

router = APIRouter(tags=["console"])


class ToldView(BaseModel):
    """A service that has told all that it keeps: so many things."""

    service: str
    told: int


class Rebuild(BaseModel):
    """Who has told what; the services in `waiting` have not finished yet, and go on."""

    correlation_id: str
    services: list[ToldView]
    waiting: list[str]


@router.post("/v1/console:rebuild", status_code=202, dependencies=[ADMIN])
async def rebuild(console: TheConsole) -> Rebuild:
    """Have every service tell what it keeps, and learn it; what the console knows to be newer stays."""
    until = from_each(TELLERS, ConsoleRebuildAnswered)
    answers = await console.requests.send_and_wait(ConsoleRebuildRequested(), until, patience=PATIENCE)
    told = {fact.service: fact.told for fact in of_type(answers.facts, ConsoleRebuildAnswered)}
    return Rebuild(
        correlation_id=answers.correlation_id,
        services=[ToldView(service=name, told=count) for name, count in sorted(told.items())],
        waiting=[name for name in TELLERS if name not in told],
    )
