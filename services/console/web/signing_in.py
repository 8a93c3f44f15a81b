"""Signing in with a token or with a link that works once, and out again."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from services.console.access.actors import Actor
from services.console.access.attempts import TooManyAttempts
from services.console.access.sessions import SESSION_LIFE, cookie_of
from services.console.api.access import (
    OPEN,
    READ,
    TheActor,
    address_of,
    require_ours,
    require_scope,
    session_secret,
    token_holder,
)
from services.console.api.console import Console, TheConsole
from services.console.api.errors import Refusal
from services.console.api.heads import is_only_looked_at
from services.console.web.templating import render

MOST_BYTES = 4096

router = APIRouter(include_in_schema=False)


class SignInLink(BaseModel):
    """The path of a page that signs a browser in, once."""

    path: str


@router.get("/sign-in", dependencies=[OPEN])
async def show_sign_in(request: Request, then: str = "/") -> Response:
    """The page that asks for the token."""
    return render(request, "sign_in.html", then=_own(then), problem=None)


@router.post("/sign-in", dependencies=[OPEN])
async def sign_in(console: TheConsole, request: Request) -> Response:
    """Exchange a token for a session."""
    require_ours(request)
    form = await form_of(request)
    then, token = _own(form.get("then", "/")), form.get("token", "").strip()
    try:
        actor = await token_holder(console, request, token)
    except TooManyAttempts as error:
        problem = f"That was wrong too often. Wait {error.minutes} min, then try again."
        return render(request, "sign_in.html", 429, then=then, problem=problem)
    request.state.act = "sign_in"
    if actor is None:
        console.attempts.failed(address_of(request), console.clock.now())
        problem = (
            "That is not a token of this console, or it is revoked or has expired. "
            "`make run` prints the first one; else it is TIMEBALL_API_TOKEN."
        )
        return render(request, "sign_in.html", 401, then=then, problem=problem)
    console.attempts.forgive(address_of(request))
    return await _signed_in(console, request, actor, then)


@router.get("/sign-in/{code}", dependencies=[OPEN])
async def sign_in_by_link(console: TheConsole, request: Request, code: str) -> Response:
    """Sign in once, by a link; that it was wrong counts as a wrong token does."""
    if is_only_looked_at(request):
        return render(request, "sign_in.html", then="/", problem=None)
    address, now = address_of(request), console.clock.now()
    if actor := await console.sessions.use_link(code):
        request.state.act = "sign_in_by_link"
        return await _signed_in(console, request, actor, "/")
    if await console.sessions.who(session_secret(request)):
        return RedirectResponse("/", 303)
    if not console.attempts.wait(address, now):
        request.state.act = "sign_in_by_link"
        console.attempts.failed(address, now)
    problem = "This link has been used, or is too old. Sign in with the token instead."
    return render(request, "sign_in.html", 401, then="/", problem=problem)


@router.post("/sign-out", dependencies=[OPEN])
async def sign_out(console: TheConsole, request: Request) -> Response:
    """End the session."""
    require_ours(request)
    secret = session_secret(request)
    if actor := await console.sessions.who(secret):
        request.state.actor, request.state.act = actor, "sign_out"
    await console.sessions.end(secret or "")
    return _signed_out(request)


@router.post("/sign-out-everywhere", dependencies=[READ, Depends(require_scope)])
async def sign_out_everywhere(console: TheConsole, request: Request, actor: TheActor) -> Response:
    """End every session of the token."""
    request.state.act = "sign_out_everywhere"
    await console.sessions.end_all(actor)
    return _signed_out(request)


@router.post("/sign-in-links", status_code=201, dependencies=[READ, Depends(require_scope)])
async def make_sign_in_link(console: TheConsole, request: Request, actor: TheActor) -> SignInLink:
    """A link for a browser on which nobody has typed the token: it signs in once, within 12 hours."""
    request.state.act = "make_sign_in_link"
    return SignInLink(path=f"/sign-in/{await console.sessions.make_link(actor)}")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a browser has sent."""
    raw = bytearray()
    async for part in request.stream():  # nobody has to be signed in to send one: no more of it is kept
        raw += part
        if len(raw) > MOST_BYTES:
            raise Refusal(413, "too_long", f"the form has more than {MOST_BYTES:,} bytes")
    return {name: values[-1] for name, values in parse_qs(raw.decode(errors="replace")).items()}


async def _signed_in(console: Console, request: Request, actor: Actor, then: str) -> Response:
    """A new session, whatever cookie the browser came with: that one's session ends."""
    request.state.actor = actor
    if former := session_secret(request):
        await console.sessions.end(former)
    is_secure = request.url.scheme == "https"
    response = RedirectResponse(then, 303)
    response.set_cookie(
        cookie_of(is_secure),
        await console.sessions.begin(actor),
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=is_secure,
    )
    return response


def _signed_out(request: Request) -> Response:
    is_secure = request.url.scheme == "https"
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(cookie_of(is_secure), secure=is_secure, httponly=True, samesite="strict")
    return response


def _own(then: str) -> str:
    """A path of ours to go on to, whatever was asked for."""
    is_own = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable()
    return then if is_own else "/"
