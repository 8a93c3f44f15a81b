"""Mounting the page: its addresses, its files, its headers, and what it says when something goes wrong."""

from pathlib import Path

from fastapi import Depends, FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from services.console.web import signing_in
from services.console.web.access import SignInNeeded, require_session
from services.console.web.failing import show_problems
from services.console.web.pages import (
    accounts,
    alerts,
    audit,
    bulk,
    calendar,
    calendar_move,
    compose,
    connect,
    importing,
    live,
    network_sign_in,
    now,
    post,
    posts,
    queues,
    statistics,
    timers,
    tokens,
    workspaces,
)
from services.console.web.permitting import Permits
from services.console.web.security import SecurityHeaders

ASSETS = Path(__file__).parent / "assets"
_PAGES = (
    now.router,
    live.router,
    calendar.router,
    calendar_move.router,
    posts.router,
    bulk.router,
    compose.router,
    importing.router,
    post.router,
    timers.router,
    accounts.router,
    network_sign_in.router,
    connect.router,
    queues.router,
    alerts.router,
    tokens.router,
    audit.router,
    workspaces.router,
    statistics.router,
)


def mount_pages(app: FastAPI) -> FastAPI:
    """The console's application with the page added to it."""
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
    app.include_router(signing_in.router)
    app.include_router(network_sign_in.callback, include_in_schema=False)
    for router in _PAGES:
        app.include_router(router, include_in_schema=False, dependencies=[Depends(require_session)])
    app.state.permits = Permits.of(app.routes)
    show_problems(app)
    app.add_exception_handler(SignInNeeded, _to_sign_in)
    app.add_middleware(SecurityHeaders)
    return app


async def _to_sign_in(_: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    return RedirectResponse(error.address, 303)
