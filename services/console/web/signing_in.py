"""Signing in with the token or with a link that works once, and out again."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from services.console.api.access import require_token
from services.console.api.console import Console, TheConsole
from services.console.api.errors import Refusal
from services.console.sessions import COOKIE, SESSION_LIFE, is_ours
from services.console.web.templating import render

MOST_BYTES = 4096

router = APIRouter(include_in_schema=False)


class SignInLink(BaseModel):
    """The path of a page that signs a browser in, once."""

    path: str


@router.get("/sign-in")
async def show_sign_in(request: Request, then: str = "/") -> Response:
    """The page that asks for the token."""
    return render(request, "sign_in.html", then=_own(then), problem=None)


@router.post("/sign-in")
async def sign_in(console: TheConsole, request: Request) -> Response:
    """Exchange the token for a session."""
    _require_ours(request)
    form = await _form(request)
    address, now = request.client.host if request.client else "", console.clock.now()
    then, token = _own(form.get("then", "/")), form.get("token", "").strip()
    if wait := console.sign_in_attempts.wait(address, now):
        problem = f"That was wrong too often. Wait {wait.seconds // 60 + 1} min, then try again."
        return render(request, "sign_in.html", 429, then=then, problem=problem)
    if not console.sessions.is_token(token):
        console.sign_in_attempts.failed(address, now)
        problem = "That is not this console's token. `make run` prints it; else it is TIMEBALL_API_TOKEN."
        return render(request, "sign_in.html", 401, then=then, problem=problem)
    console.sign_in_attempts.succeeded(address)
    return await _signed_in(console, request, then)


@router.get("/sign-in/{code}")
async def sign_in_by_link(console: TheConsole, request: Request, code: str) -> Response:
    """Sign in once, by a link."""
    if await console.sessions.use_link(code):
        return await _signed_in(console, request, "/")
    if await console.sessions.is_open(request.cookies.get(COOKIE)):
        return RedirectResponse("/", 303)
    problem = "This link has been used, or is too old. Sign in with the token instead."
    return render(request, "sign_in.html", 401, then="/", problem=problem)


@router.post("/sign-out")
async def sign_out(console: TheConsole, request: Request) -> Response:
    """End the session."""
    _require_ours(request)
    await console.sessions.end(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


@router.post("/sign-in-links", status_code=201, dependencies=[Depends(require_token)])
async def make_sign_in_link(console: TheConsole) -> SignInLink:
    """A link for a browser on which nobody has typed the token: it signs in once, within 12 hours."""
    return SignInLink(path=f"/sign-in/{await console.sessions.make_link()}")


def _require_ours(request: Request) -> None:
    if not is_ours(request.method, request.headers.get("host", ""), request.headers):
        raise Refusal(403, "foreign_request", "this request comes from another page; open the console and try again")


async def _form(request: Request) -> dict[str, str]:
    raw = await request.body()
    if len(raw) > MOST_BYTES:
        raise Refusal(413, "too_long", f"the form has more than {MOST_BYTES:,} bytes")
    return {name: values[-1] for name, values in parse_qs(raw.decode(errors="replace")).items()}


async def _signed_in(console: Console, request: Request, then: str) -> Response:
    response = RedirectResponse(then, 303)
    response.set_cookie(
        COOKIE,
        await console.sessions.begin(),
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _own(then: str) -> str:
    """A path of ours to go on to, whatever was asked for."""
    is_own = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable()
    return then if is_own else "/"
