"""The ASGI application: every route, with health beside them."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from services.console.api import (
    accounts,
    alerts,
    audit,
    bulk,
    changes,
    dead_letters,
    deciding,
    imports,
    keys,
    mentions,
    posts,
    queues,
    rebuilding,
    repeats,
    stats,
    stream,
    timers,
    tokens,
    trials,
    workspaces,
)
from services.console.api.access import require_scope
from services.console.api.auditing import Auditing
from services.console.api.body_limit import BodyLimit
from services.console.api.console import Console
from services.console.api.errors import ErrorAnswer, answer_errors
from services.console.api.heads import Heads
from services.console.api.ids_in_paths import IdsInPaths
from services.console.api.openapi import describe
from services.console.api.parameters import require_known
from services.console.api.reference import reference_route
from shared.process.health import Health

_ROUTERS: tuple[APIRouter, ...] = (
    posts.router,
    repeats.router,
    bulk.router,
    imports.router,
    changes.router,
    deciding.router,
    accounts.router,
    keys.router,
    tokens.router,
    audit.router,
    timers.router,
    workspaces.router,
    mentions.router,
    trials.router,
    stats.router,
    rebuilding.router,
    queues.router,
    dead_letters.router,
    alerts.router,
    stream.router,
)
_WRONG_TOKEN: dict[int | str, dict[str, Any]] = {401: {"model": ErrorAnswer}, 429: {"model": ErrorAnswer}}


def application(console: Console, health: Health) -> FastAPI:
    """The HTTP API of a console."""
    app = FastAPI(title="Timeball: HTTP API", version="1", docs_url=None, redoc_url=None)
    app.state.console = console
    describe(app)
    answer_errors(app)
    for router in _ROUTERS:
        dependencies = [Depends(require_scope), Depends(require_known)]
        app.include_router(router, dependencies=dependencies, responses=_WRONG_TOKEN)
    app.router.routes.extend(health.routes())
    app.router.routes.append(reference_route(app.openapi))
    app.add_middleware(BodyLimit)
    app.add_middleware(Auditing)
    app.add_middleware(Heads)
    app.add_middleware(IdsInPaths)
    return app
