"""What the routes work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request

from services.console.access.attempts import Attempts
from services.console.access.audit import Audit
from services.console.access.sessions import Sessions
from services.console.access.tokens import Tokens
from services.console.depths import Depths
from services.console.networks.sign_ins import NetworkSignIns
from services.console.read_model.queries import Queries
from services.console.requests.bulk_runs import BulkRuns
from services.console.requests.idempotency import IdempotencyKeys
from services.console.requests.import_runs import ImportRuns
from services.console.requests.sender import RequestSender
from services.console.streaming.broker_watch import BrokerWatch
from services.console.streaming.stream import EventStream
from shared.clocks.clock import Clock


@dataclass(frozen=True)
class Console:
    """The parts of the console behind the HTTP API; `public_keys` by service, `broker_ui` without the queue's name."""

    requests: RequestSender
    queries: Queries
    events: EventStream
    idempotency_keys: IdempotencyKeys
    bulk: BulkRuns
    imports: ImportRuns
    clock: Clock
    public_keys: Mapping[str, str]
    tokens: Tokens
    audit: Audit
    sessions: Sessions
    attempts: Attempts
    depths: Depths
    broker: BrokerWatch
    broker_ui: str | None
    network_sign_ins: NetworkSignIns
    network_client: Callable[[], httpx.AsyncClient]
    """Makes a client for calls of networks, which is closed after use."""
    public_url: str | None = None
    """Where browsers find the console; None: where they say that they found it."""


async def _console(request: Request) -> Console:
    """Asynchronous like all that routes depend on: what is not runs in a thread, which costs each request more."""
    console: Console = request.app.state.console
    return console


TheConsole = Annotated[Console, Depends(_console)]
"""A route's parameter that is given the console."""
