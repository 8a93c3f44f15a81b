"""Auditing: ASGI middleware that writes down every act before its answer leaves."""

from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.api.access import address_of
from services.console.api.acts import UNKNOWN, act_in, answer_in, objects_of, outcome_of, via_of
from services.console.api.console import Console
from shared.events.console import MOST_OBJECTS, ConsoleActed

REFUSED = 400
MOST_ADDRESS = 100
TOLD_AGAIN_SECONDS = 60.0
"""On a full disk every act fails: a line for each would fill what is left of it."""

log = structlog.get_logger()


@dataclass
class _Answer:
    """An answer as it is being sent."""

    status: int = 500
    body: bytearray = field(default_factory=bytearray)

    def take(self, message: Message) -> bool:
        """Take a part; whether it is the last one."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return False
        self.body += message.get("body", b"")
        return not message.get("more_body", False)


@dataclass
class _Log:
    """Says that acts cannot be written down: at once, from then on once a minute, and when they can be again."""

    _reason: str | None = None
    _told_at: float = 0.0
    _lost: int = 0
    """How many there were since the last that was written down."""

    def failed(self, act: str, status: int, error: Exception) -> None:
        reason, now = type(error).__name__, monotonic()
        self._lost += 1
        if reason != self._reason or now - self._told_at >= TOLD_AGAIN_SECONDS:
            self._reason, self._told_at = reason, now
            log.error("audit_failed", act=act, status=status, error=reason, not_written=self._lost)

    def written(self) -> None:
        if self._lost:
            log.warning("audit_goes_on", not_written=self._lost)
            self._reason, self._lost = None, 0


class Auditing:
    """Writes down who did what. An act that cannot be written down is logged: it has happened all the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = _Log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the answer to what may be an act as it passes."""
        if scope["type"] != "http" or not _may_act(scope):
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        answer = _Answer()

        async def overheard(message: Message) -> None:
            if answer.take(message):
                await self._write(scope, answer)
            await send(message)

        try:
            await self._app(scope, receive, overheard)
        except Exception:
            await self._write(scope, _Answer())
            raise

    async def _write(self, scope: Scope, answer: _Answer) -> None:
        act = act_in(scope)
        if act is None:
            return
        console: Console = scope["app"].state.console
        try:
            await console.audit.write(_acted(Request(scope), act, answer, console))
        except Exception as error:  # whatever it is: the act has happened, and to answer that it failed would be a lie
            self._log.failed(act, answer.status, error)
        else:
            self._log.written()


def _may_act(scope: Scope) -> bool:
    return scope["method"] not in ("GET", "HEAD", "OPTIONS") or scope["path"].startswith("/sign-in/")


def _acted(request: Request, act: str, answer: _Answer, console: Console) -> ConsoleActed:
    told: Any = answer_in(bytes(answer.body))
    objects = objects_of(request.scope, request.query_params.multi_items(), told)
    actor = request.scope["state"].get("actor")
    return ConsoleActed.model_validate(
        {
            "act_id": str(uuid4()),
            "who": actor.name if actor else UNKNOWN,
            "via": via_of(request.headers),
            "address": address_of(request)[:MOST_ADDRESS],
            "act": act,
            "objects": tuple(objects[:MOST_OBJECTS]),
            "count": len(objects),
            "outcome": outcome_of(answer.status, told),
            "code": told.get("code") if answer.status >= REFUSED else None,
            "request_id": told.get("correlation_id") or str(uuid4()),
            "acted_at": console.clock.now(),
        }
    )
