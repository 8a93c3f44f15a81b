"""Access: who asks, by a token or a browser's session, and whether their scope is enough for the route."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.params import Depends as Dependency
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.routing import BaseRoute

from services.console.access.actors import Actor, Scope
from services.console.access.attempts import LONG, TooManyAttempts, can_be_guessed
from services.console.access.sessions import cookie_of, is_ours
from services.console.api.console import Console, TheConsole
from services.console.api.errors import Refusal
from shared.database.errors import is_passing

LOOK_AGAIN_SECONDS = 1.0
"""How long a stream goes on after its token was revoked."""

_bearer = HTTPBearer(auto_error=False, description="A token, or TIMEBALL_API_TOKEN; `timeball up` prints that one")

log = structlog.get_logger()

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


@dataclass(frozen=True)
class Needs:
    """What a route declares: the scope that whoever asks must have; none where anyone may ask."""

    scope: Scope | None

    async def __call__(self) -> None:
        """Declares, and does nothing: `require_scope` looks at it."""


OPEN = Depends(Needs(None))
READ = Depends(Needs(Scope.READ))
"""Changes nothing but the session of whoever asks."""
WRITE = Depends(Needs(Scope.WRITE))
ADMIN = Depends(Needs(Scope.ADMIN))


def declared(route: BaseRoute) -> Needs | None:
    """What the route declares."""
    dependencies: list[Dependency] = getattr(route, "dependencies", [])
    return next((one.dependency for one in dependencies if isinstance(one.dependency, Needs)), None)


def scope_needed(route: BaseRoute) -> Scope | None:
    """The scope that a route needs: an administrator's where it declares nothing."""
    needs = declared(route)
    return needs.scope if needs else Scope.ADMIN


async def require_scope(console: TheConsole, request: Request, credentials: Credentials) -> None:
    """Refuse a request without a token or a session, or with one whose scope is too small."""
    actor = await _by_token(console, request, credentials) if credentials else await _by_session(console, request)
    request.state.actor = actor
    if not credentials:
        require_ours(request)
    needed = scope_needed(request.scope["route"])
    if needed and not actor.scope.includes(needed):
        reason = f"this needs a token with the scope `{needed}`; {actor.name!r} has `{actor.scope}`"
        raise Refusal(403, "scope_needed", reason, scope=needed)


def require_ours(request: Request) -> None:
    """Refuse what another page has a browser send."""
    if not is_ours(request.method, request.headers.get("host", ""), request.headers):
        raise Refusal(403, "foreign_request", "this request comes from another page; open the console and try again")


def session_secret(request: Request) -> str | None:
    """The secret of a browser's session, from its cookie."""
    return request.cookies.get(cookie_of(request.url.scheme == "https"))


def address_of(request: Request) -> str:
    """Where a request comes from, as a trusted proxy says it."""
    return request.client.host if request.client else ""


async def actor_of(request: Request) -> Actor:
    """Who asks, on a route that has been let through."""
    actor: Actor = request.state.actor
    return actor


TheActor = Annotated[Actor, Depends(actor_of)]


async def token_holder(console: Console, request: Request, token: str) -> Actor | None:
    """Who has this token, if anybody; TooManyAttempts while wrong ones come too often from where the request does.

    A token that nobody can guess is looked at all the same: whoever guesses locks out nobody who has a right one.
    """
    address, now = address_of(request), console.clock.now()
    wait = console.attempts.wait(address, now)
    actor = None if wait and can_be_guessed(token) else await console.tokens.who(token)
    if actor:
        console.attempts.succeeded(address)
    elif wait:
        raise TooManyAttempts(wait)
    return actor


async def _by_token(console: Console, request: Request, credentials: HTTPAuthorizationCredentials) -> Actor:
    try:
        actor = await token_holder(console, request, credentials.credentials)
    except TooManyAttempts as error:
        reason = f"{error}; a right token of {LONG} characters or more need not wait"
        raise Refusal(429, "too_many_attempts", reason, retry_after=error.seconds) from error
    if actor is None:
        console.attempts.failed(address_of(request), console.clock.now(), credentials.credentials)
        raise Refusal(401, "unauthorized", "the token is none of this console's, or is revoked, or has expired")
    return actor


async def _by_session(console: Console, request: Request) -> Actor:
    secret = session_secret(request)
    if secret is None:
        raise Refusal(401, "unauthorized", "send the header `Authorization: Bearer <TIMEBALL_API_TOKEN>`")
    actor = await console.sessions.who(secret)
    if actor is None:
        raise Refusal(401, "signed_out", "you are signed out; sign in again at /sign-in, nothing was changed")
    return actor


def still_let_in(console: Console, request: Request) -> Callable[[], Awaitable[bool]]:
    """A question for later: whether whoever asked would still be allowed."""
    scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
    secret = session_secret(request)

    async def ask() -> bool:
        if scheme.lower() == "bearer":
            return await console.tokens.who(token) is not None
        return await console.sessions.who(secret) is not None

    return ask


async def while_let_in(lines: AsyncGenerator[str, None], ask: Callable[[], Awaitable[bool]]) -> AsyncIterator[str]:
    """The lines, until whoever gets them would not be allowed any more; empty ones are chances to look, and go no
    further."""
    asked_at = monotonic()
    async with aclosing(lines):
        async for line in lines:
            if monotonic() - asked_at >= LOOK_AGAIN_SECONDS:
                if not await _is_let_in(ask):
                    return
                asked_at = monotonic()
            if line:
                yield line


async def _is_let_in(ask: Callable[[], Awaitable[bool]]) -> bool:
    """Nobody is while the database cannot be asked: whoever listens comes back."""
    try:
        return await ask()
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("stream_ended", reason="whether it may go on cannot be looked up", error=repr(error))
        return False
