"""The ASGI application: every route, with health beside them."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from services.console.amending import Change
from services.console.api import accounts, changes, keys, overview, posts, rebuilding, stream, timers, workspaces
from services.console.api.access import require_token
from services.console.api.bodies import BodyLimit, schemas_of
from services.console.api.console import Console
from services.console.api.errors import ErrorAnswer, answer_errors
from shared.events.requests import ScheduleBatchRequested, ScheduleRequested
from shared.process.health import Health

_ROUTERS: tuple[APIRouter, ...] = (
    posts.router,
    changes.router,
    accounts.router,
    keys.router,
    timers.router,
    workspaces.router,
    overview.router,
    rebuilding.router,
    stream.router,
)
_BODIES = (ScheduleRequested, ScheduleBatchRequested, Change, changes.Resolution, accounts.Connection, workspaces.Watch)


def application(console: Console, health: Health) -> ASGIApp:
    """The HTTP API of a console."""
    app = FastAPI(title="Timeball", version="1", description="Every post at its moment, once.")
    app.state.console = console
    answer_errors(app)
    for router in _ROUTERS:
        app.include_router(router, dependencies=[Depends(require_token)], responses={401: {"model": ErrorAnswer}})
    app.get("/", include_in_schema=False)(_home)
    app.router.routes.extend(health.routes())
    app.add_middleware(BodyLimit)
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """Add the bodies that are read as events to the OpenAPI document."""
    without_bodies = app.openapi

    def openapi() -> dict[str, Any]:
        schema = without_bodies()
        schema["components"]["schemas"] |= schemas_of(*_BODIES)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


async def _home() -> RedirectResponse:
    return RedirectResponse("/docs")
