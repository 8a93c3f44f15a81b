"""Before a service works it prepares its database, which may take minutes: meanwhile it says over HTTP that it is alive
and what it waits for, so that nobody takes it for dead."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.database.migrations import Tell
from shared.process.health import Health

Prepare = Callable[[Tell], Awaitable[None]]

AGAIN_SECONDS = 5
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

    async def _later(self, _: Request) -> Response:
        problem = {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": f"the database cannot be used yet: {self.waits_for}; send the request again",
            "code": "database_unavailable",
        }
        headers = {"Retry-After": str(AGAIN_SECONDS)}
        return JSONResponse(problem, 503, headers, media_type="application/problem+json")
