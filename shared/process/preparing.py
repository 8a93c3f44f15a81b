"""Before a service works it prepares its database, which may take minutes: meanwhile it says over HTTP that it is alive
and what it waits for, so that nobody takes it for dead."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.database.migrations import Tell
from shared.process.health import Health

Prepare = Callable[[Tell], Awaitable[None]]

AGAIN_SECONDS = 5
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not ready yet · Timeball</title>
<h1>Not ready yet</h1>
<p>The database cannot be used yet: {waits_for}.</p>
<p>Nothing is lost. This page asks again every {seconds} seconds.</p>
"""
METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


async def nothing(_: Tell) -> None:
    """There is nothing to prepare."""


@dataclass
class Preparation:
    """What a service waits for before it works; None when it does not."""

    waits_for: str | None = None

    async def carry_out(self, prepare: Prepare) -> None:
        """Prepare; what is told is answered to whoever asks."""
        self._tell("it is being looked at")
        await prepare(self._tell)
        self.waits_for = None

    def _tell(self, what: str) -> None:
        self.waits_for = what

    def gate(self, service: str, app: ASGIApp) -> ASGIApp:
        """The application, once there is nothing to wait for any more; its place is kept until then."""
        health = Health(service, {"database": self._problem})
        meanwhile = Starlette(routes=[*health.routes(), Route("/{path:path}", self._later, methods=METHODS)])

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await (meanwhile if self.waits_for else app)(scope, receive, send)

        return answer

    async def _problem(self) -> str | None:
        return self.waits_for

    async def _later(self, request: Request) -> Response:
        waits_for, headers = f"{self.waits_for}", {"Retry-After": f"{AGAIN_SECONDS}"}
        if "text/html" in request.headers.get("accept", ""):
            page = _PAGE.format(waits_for=escape(waits_for), seconds=AGAIN_SECONDS)
            return HTMLResponse(page, 503, headers | {"Refresh": f"{AGAIN_SECONDS}", "Cache-Control": "no-store"})
        problem = {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": f"the database cannot be used yet: {waits_for}; send the request again",
            "code": "database_unavailable",
        }
        return JSONResponse(problem, 503, headers, media_type="application/problem+json")
