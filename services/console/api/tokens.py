"""Tokens: create one for each person and program, see when it was used last, revoke it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.console.access.actors import LOCAL, Scope
from services.console.access.tokens import NameTaken, has_expired
from services.console.api.access import ADMIN, TheActor
from services.console.api.acts import UNKNOWN
from services.console.api.bodies import body_of, documented
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from shared.events.base import Instant, Name, NewName, Value

RESERVED = frozenset({LOCAL.name, UNKNOWN})

router = APIRouter(tags=["tokens"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}})


class NewToken(Value):
    """The token that is wanted."""

    name: NewName
    scope: Literal["read", "write", "admin"] = "read"
    expires_at: Instant | None = None


class TokenView(BaseModel):
    """A token without its secret, which nobody knows but who was told it."""

    name: str
    scope: Scope
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    expired: bool
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: RowMapping, now: datetime) -> Self:
        """The view of a row."""
        return cls.model_validate({**row, "expired": has_expired(row["expires_at"], now)})


class TokenList(BaseModel):
    """Every token that is not revoked."""

    tokens: list[TokenView]


class CreatedToken(TokenView):
    """A token with its secret, which is told this once."""

    secret: str


class RevokedToken(BaseModel):
    """The token that is good for nothing any more."""

    name: str


@router.get("/v1/tokens", dependencies=[ADMIN])
async def list_tokens(console: TheConsole) -> TokenList:
    """Every token, by name; the token of the settings is not among them."""
    now = console.clock.now()
    return TokenList(tokens=[TokenView.of(row, now) for row in await console.tokens.listed()])


@router.post(
    "/v1/tokens",
    status_code=201,
    dependencies=[ADMIN],
    responses={409: {"model": ErrorAnswer}},
    openapi_extra=documented(NewToken),
)
async def create_token(
    console: TheConsole, actor: TheActor, wanted: Annotated[NewToken, Depends(body_of(NewToken, takes_others=False))]
) -> CreatedToken:
    """Create a token. Its `secret` is in this answer and nowhere else."""
    now = console.clock.now()
    if wanted.name in RESERVED:
        raise Refusal(
            409, "conflict", f"name: {wanted.name!r} has another meaning in the audit; choose another", field="name"
        )
    if has_expired(wanted.expires_at, now):
        raise Refusal(
            400, "invalid", f"expires_at: {wanted.expires_at} is past; leave it out for none", field="expires_at"
        )
    try:
        row, secret = await console.tokens.create(wanted.name, Scope(wanted.scope), wanted.expires_at, actor.name)
    except NameTaken as error:
        raise Refusal(409, "conflict", f"name: {error}", field="name") from error
    return CreatedToken(**TokenView.of(row, now).model_dump(), secret=secret)


@router.delete("/v1/tokens/{name:id}", dependencies=[ADMIN], responses={409: {"model": ErrorAnswer}})
async def revoke_token(console: TheConsole, name: Name) -> RevokedToken:
    """Revoke a token: it and every session made with it are good for nothing from this moment on."""
    if name == LOCAL.name:
        way_out = "give TIMEBALL_API_TOKEN another value, and start the console anew"
        raise Refusal(409, "wrong_state", f"{name!r} is the token of the settings: {way_out}", field="name")
    if not await console.tokens.revoke(name):
        raise Refusal(404, "not_found", f"there is no token {name!r}")
    return RevokedToken(name=name)
