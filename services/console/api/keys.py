"""Keys: what to seal secrets with, and encrypting stored secrets again."""

from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.access import ADMIN, READ
from services.console.api.console import TheConsole
from services.console.requests.sender import from_each
from shared.events.keys import KeysRotated, KeysRotateRequested

KEEP_SECRETS = ("publisher", "monitor")
"""The services that do."""
ROTATE_PATIENCE = timedelta(seconds=20)

router = APIRouter(tags=["keys"])


class RotatedView(BaseModel):
    """A service that has encrypted its secrets again; `unreadable` names those that none of its keys fits."""

    service: str
    rotated: int
    unreadable: list[str]


class Rotation(BaseModel):
    """What became of the secrets; the services in `waiting` have not answered yet."""

    correlation_id: str
    services: list[RotatedView]
    waiting: list[str]


@router.get("/v1/keys", dependencies=[READ])
async def list_keys(console: TheConsole) -> dict[str, str]:
    """By service, the base64 public key to seal secrets with that only this service can open."""
    return dict(console.public_keys)


@router.post("/v1/keys:rotate", status_code=202, dependencies=[ADMIN])
async def rotate_keys(console: TheConsole) -> Rotation:
    """Have every service encrypt its secrets again with the first of its TIMEBALL_SECRET_KEYS."""
    answers = await console.requests.send_and_wait(
        KeysRotateRequested(), from_each(KEEP_SECRETS, KeysRotated), patience=ROTATE_PATIENCE
    )
    told = {fact.service: fact for fact in answers.of_type(KeysRotated)}
    return Rotation(
        correlation_id=answers.correlation_id,
        services=[
            RotatedView(service=name, rotated=fact.rotated, unreadable=list(fact.unreadable))
            for name, fact in sorted(told.items())
        ],
        waiting=[name for name in KEEP_SECRETS if name not in told],
    )
