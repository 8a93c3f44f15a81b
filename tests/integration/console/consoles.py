"""A console over a migrated database without a broker: who may come in, and what is asked of whom, needs none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi import FastAPI

from services.console.access.attempts import Attempts
from services.console.access.audit import Audit
from services.console.access.sessions import Sessions
from services.console.access.tokens import Tokens
from services.console.api import Console, application
from services.console.read_model.queries import Queries
from services.console.requests.bulk_runs import BulkRuns
from services.console.requests.idempotency import IdempotencyKeys
from services.console.requests.import_runs import ImportRuns
from services.console.tables.audit import outbox
from services.console.web.mounting import mount_pages
from shared.clocks.clock import Clock
from shared.database.engine import Database
from shared.messaging.outbox import Outbox
from shared.process.health import Health

ADMIN_TOKEN = "the-token-of-the-settings"
NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)
ORIGIN = "http://console.test"
_APPS: list[FastAPI] = []
"""Those that no replica has now: to put the routes together costs 0.2 s, and all else they have from their console."""


@dataclass(frozen=True)
class Replica:
    """One console of several over a database."""

    app: FastAPI
    console: Console

    def client(self, token: str | None = None, *, base_url: str = ORIGIN, **more: Any) -> httpx.AsyncClient:
        """A client with this token, or a browser without one."""
        transport = httpx.ASGITransport(self.app, client=more.pop("client", ("198.51.100.7", 4711)))
        headers = {"Authorization": f"Bearer {token}"} if token else {"Origin": base_url}
        return httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers | more.pop("headers", {}))

    async def token(self, name: str, scope: str = "read", **more: Any) -> str:
        """The secret of a new token."""
        async with self.client(ADMIN_TOKEN) as http:
            answer = await http.post("/v1/tokens", json={"name": name, "scope": scope} | more)
        assert answer.status_code == 201, answer.text
        secret: str = answer.json()["secret"]
        return secret


@asynccontextmanager
async def a_replica(url: str, clock: Clock) -> AsyncIterator[Replica]:
    """A console; what needs a broker is not there."""
    database = Database(url)
    tokens = Tokens(database, clock, ADMIN_TOKEN)
    parts = SimpleNamespace(
        queries=Queries(database),
        idempotency_keys=IdempotencyKeys(database),
        bulk=BulkRuns(database),
        imports=ImportRuns(database),
        clock=clock,
        public_keys={},
        tokens=tokens,
        audit=Audit(database, Outbox(outbox, database, cast(Any, None), clock)),
        sessions=Sessions(database, clock, tokens),
        attempts=Attempts(),
        broker=SimpleNamespace(trouble="there is none"),
        broker_ui=None,
    )
    console = cast(Console, parts)
    app = _APPS.pop() if _APPS else mount_pages(application(console, Health("console", {})))
    app.state.console = console
    try:
        yield Replica(app, console)
    finally:
        _APPS.append(app)
        await database.close()
