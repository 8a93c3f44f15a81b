"""Signing in at a network: the browser goes there, comes back with a code, and the account is connected with it.

The network's answer comes from another site, so a strict session cookie is not sent with it. `/connect/callback` knows
nobody and does nothing: its form carries the answer on to `/connect/finish`, as a request of our own page.
"""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from services.console.api.access import ADMIN, OPEN, session_secret
from services.console.api.accounts import Connection, Limits, connected
from services.console.api.bodies import body_of
from services.console.api.console import Console, TheConsole
from services.console.api.errors import Refusal
from services.console.networks.oauth import Network, SignInFailed, Started, code_in, finish, network_of, start
from services.console.web.signing_in import form_of
from services.console.web.templating import render
from shared.events.base import Id, Name, Options

CALLBACK = "/connect/callback"
MOST_PARAMETER = 2000
"""Characters of what a network sends back; codes have some hundred."""

callback = APIRouter()
router = APIRouter()


class Wanted(BaseModel):
    """The account that is to be connected, and the keys of the person's app where its network needs one."""

    account_id: Id
    platform: Name
    settings: Options = Field(default_factory=dict)
    limits: Limits | None = None
    app: dict[str, str] = Field(default_factory=dict)

    @property
    def account_ids(self) -> tuple[Id]:
        """For the audit."""
        return (self.account_id,)


class SignInPage(BaseModel):
    """Where the person signs in."""

    page: str


def back_address(console: Console, request: Request) -> str:
    """The address that a network sends browsers back to, as its app must know it."""
    return (console.public_url or str(request.base_url)).rstrip("/") + CALLBACK


@router.post("/connect/start", dependencies=[ADMIN])
async def start_sign_in(
    console: TheConsole, request: Request, wanted: Annotated[Wanted, Depends(body_of(Wanted))]
) -> SignInPage:
    """Begin a sign-in: the state and PKCE's verifier wait for this browser alone."""
    back = back_address(console, request)
    network = _network(wanted)
    if network.app and not wanted.app.get("client_id"):
        raise Refusal(400, "invalid", "app.client_id: it names the app that you have registered", field="app.client_id")
    try:
        async with console.network_client() as http:
            started = await start(http, network, wanted.app, back)
    except SignInFailed as error:
        raise Refusal(400, "sign_in_failed", str(error)) from error
    waiting = {
        "wanted": wanted.model_dump(mode="json"),
        "app": dict(started.app),
        "verifier": started.verifier,
        "back": back,
    }
    await console.network_sign_ins.keep(started.state, session_secret(request) or "", waiting)
    return SignInPage(page=started.page)


@callback.get(CALLBACK, dependencies=[OPEN])
async def come_back(request: Request) -> Response:
    """Carry the network's answer on."""
    names = ("state", "code", "error", "error_description")
    answer = {name: request.query_params.get(name, "")[:MOST_PARAMETER] for name in names}
    return render(request, "coming_back.html", answer={name: value for name, value in answer.items() if value})


@router.post("/connect/finish", dependencies=[ADMIN])
async def finish_sign_in(console: TheConsole, request: Request) -> Response:
    """Exchange the code for credentials, seal them, and connect the account."""
    answer = await form_of(request)
    waiting = await console.network_sign_ins.take(answer.get("state", ""), session_secret(request) or "")
    if waiting is None:
        reason = "this sign-in was not begun in this browser, or has been used, or is older than ten minutes"
        return render(request, "not_connected.html", 400, reason=reason, wanted=None)
    request.state.asked = wanted = Wanted.model_validate(waiting["wanted"])
    try:
        await _connect(console, wanted, waiting, answer)
    except (SignInFailed, Refusal) as error:
        return render(request, "not_connected.html", 400, reason=str(error), wanted=wanted)
    return RedirectResponse(f"/accounts/{quote(wanted.account_id, safe='')}", 303)


async def _connect(console: Console, wanted: Wanted, waiting: dict[str, Any], answer: dict[str, str]) -> None:
    started = Started(page="", state="", verifier=waiting["verifier"], app=waiting["app"])
    async with console.network_client() as http:
        settings, credentials = await finish(
            http,
            _network(wanted),
            wanted.settings,
            started,
            code=code_in(answer),
            back=waiting["back"],
            now=console.clock.now(),
        )
    connection = Connection(platform=wanted.platform, settings=settings, limits=wanted.limits)
    view = await connected(console, wanted.account_id, connection, credentials)
    if view.pending:
        raise SignInFailed("the publisher has not answered yet; it goes on as soon as it runs, nothing is lost")


def _network(wanted: Wanted) -> Network:
    network = network_of(wanted.platform, wanted.settings)
    if network is None:
        raise Refusal(
            400, "invalid", f"platform: {wanted.platform!r} has no sign-in with the browser", field="platform"
        )
    return network
