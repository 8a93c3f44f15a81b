"""The small HTTP side of every service: alive, really consuming, figures, and the events it speaks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from faststream.rabbit import RabbitBroker
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.clocks.clock import loop_time
from shared.contract import serving
from shared.database.refusals import why_unusable
from shared.messaging.broker import BrokerUnavailable
from shared.messaging.kept_connection import LOST
from shared.messaging.standby import Standby, is_attached

STALE_OUTBOX = timedelta(seconds=30)
CHECK_SECONDS = 5.0
"""What has not answered by then is not well."""
WRITE_EVERY_SECONDS = 5.0
"""A database that took a write so lately is not asked for another one, however often somebody looks."""

FAILED = Gauge("timeball_check_failed", "Whether a check of /readyz fails (1) or holds (0)", ["check"])
OUTBOX_AGE = Gauge("timeball_outbox_age_seconds", "How long the oldest event that is not sent yet has been waiting")

log = structlog.get_logger()

Check = Callable[[], Awaitable[str | None]]
"""Answers what is wrong, or None."""


@dataclass
class Health:
    """What must hold for the service to be doing its work."""

    service: str
    checks: Mapping[str, Check] = field(default_factory=dict)

    async def problems(self) -> dict[str, str]:
        """Every check that fails, with what is wrong; they are made at once, so that a hanging one delays no other."""
        found = await asyncio.gather(*(_problem(name, check) for name, check in self.checks.items()))
        return {name: problem for name, problem in zip(self.checks, found, strict=True) if problem}

    def routes(self) -> list[Route]:
        """`/healthz`, `/readyz`, `/metrics` and `/asyncapi`."""
        return [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
            *serving.routes(self.service),
        ]

    def application(self) -> Starlette:
        """An ASGI application with nothing but these routes."""
        return Starlette(routes=self.routes())

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"service": self.service, "status": "alive"})

    async def _readyz(self, _: Request) -> Response:
        problems = await self.problems()
        status = "not ready" if problems else "ready"
        return JSONResponse({"service": self.service, "status": status, "problems": problems}, 503 if problems else 200)

    async def _metrics(self, _: Request) -> Response:
        problems = await self.problems()
        for name in self.checks:
            FAILED.labels(name).set(name in problems)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def consuming(broker: RabbitBroker, standby: Standby | None = None) -> Check:
    """Every subscriber is attached: its channel is open and the broker knows its consumer tag."""

    async def check() -> str | None:
        if standby and standby.is_on:
            return "no messages are taken until the database takes writes again"
        for subscriber in broker.subscribers:
            if problem := await _not_attached(subscriber):
                return f"{subscriber.queue.name} {problem}"  # type: ignore[attr-defined]
        return None

    return check


async def _not_attached(subscriber: Any) -> str | None:
    queue = subscriber._queue_obj
    if queue is None or queue.channel.is_closed:
        return "has no open channel"
    try:
        channel = await queue.channel.get_underlay_channel()
    except LOST:  # between two connections
        return "has no open channel"
    return None if is_attached(queue, channel, subscriber._consumer_tag) else "is not being consumed"


def relaying(age: Callable[[], Awaitable[timedelta]]) -> Check:
    """The outbox is not stale."""

    async def check() -> str | None:
        waiting = await age()
        OUTBOX_AGE.set(waiting.total_seconds())
        return f"events have been waiting for {waiting}" if waiting > STALE_OUTBOX else None

    return check


def writing(write: Callable[[], Awaitable[None]]) -> Check:
    """The database takes writes: one that is read-only, full or busy for ever answers reads all the same."""
    good_until = 0.0

    async def check() -> str | None:
        nonlocal good_until
        now = loop_time()
        if now >= good_until:
            await write()
            good_until = now + WRITE_EVERY_SECONDS
        return None

    return check


async def _problem(name: str, check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except BrokerUnavailable as error:
        return str(error)
    except Exception as error:
        log.warning("check_failed", check=name, error=repr(error))
        return why_unusable(error)
