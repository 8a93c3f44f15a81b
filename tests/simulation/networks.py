"""Model networks behind the real adapters: one per kind of certainty, all with one ledger of what reached them.

sandbox      neither deduplicates nor answers look-ups
lookups      a sandbox that answers look-ups, some seconds behind
webhook      deduplicates by `webhook-id`, for ever
mastodon     deduplicates by `Idempotency-Key` for an hour, and shows its statuses
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx

from tests.simulation.servers import SERVERS, Network, Submission, Taken
from tests.simulation.virtual_time import EPOCH, Process, VirtualLoop

RETRY_AFTER = 7
"""Seconds that a 429 asks for."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request: whether it arrives, is taken, and what is answered.

    `status` 0 is no answer at all. Without `arrives` nothing ever left; `travels` and `returns` are seconds.
    """

    name: str
    arrives: bool = True
    takes: bool = True
    status: int = 200
    travels: float = 0.02
    returns: float = 0.05


class NetworkWeather(Protocol):
    """How the networks fare."""

    def fate(self, network: "Network", *, publishes: bool) -> Fate:
        """What becomes of the next request."""
        ...

    def lag_seconds(self, network: "Network") -> float:
        """How far look-ups are behind."""
        ...


@dataclass(slots=True)
class Entry:
    """One request to publish, in the ledger."""

    network: str
    account_id: str
    key: str
    content: str
    process: str
    left_at: float
    fate: str
    status: int
    answers_at: float
    """When its sender hears, or sees that it never will, unless that takes too long for it."""
    token: str = ""
    arrived_at: float | None = None
    answered_at: float | None = None
    taken: Taken | None = None
    """The post that it made; None where it made none."""
    repeats: Taken | None = None
    """The post that it was recognised as."""


@dataclass(eq=False)
class Internet:
    """All networks, and what reached them."""

    loop: VirtualLoop
    weather: NetworkWeather
    networks: dict[str, Network] = field(default_factory=dict)
    ledger: list[Entry] = field(default_factory=list)
    on_entry: Callable[[Entry], None] = lambda _: None

    def add(self, kind: str, host: str) -> Network:
        """A server of this kind."""
        self.networks[host] = SERVERS[kind](kind, host)
        return self.networks[host]

    def client(self, process: Process) -> httpx.AsyncClient:
        """What stands in for `shared.outbound.client.outbound_client`."""
        return httpx.AsyncClient(
            transport=_Transport(self, process), trust_env=False, follow_redirects=False, timeout=httpx.Timeout(15)
        )

    def send(self, process: Process, request: httpx.Request) -> "asyncio.Future[httpx.Response]":
        """Let a request go its way, whatever becomes of its sender."""
        reply: asyncio.Future[httpx.Response] = self.loop.create_future()
        network = self.networks[request.url.host]
        wanted = network.submission(request)
        fate = self.weather.fate(network, publishes=wanted is not None)
        entry = self._enter(network, wanted, process, fate) if wanted else None
        if not fate.arrives:
            self.loop.later(fate.returns, _fail, reply, httpx.ConnectError("no connection: refused"))
        else:
            self.loop.later(fate.travels, self._arrive, _Parcel(network, request, wanted, entry, fate, reply))
        return reply

    def _enter(self, network: Network, wanted: Submission, process: Process, fate: Fate) -> Entry:
        entry = Entry(
            network=network.host,
            account_id=wanted.account_id,
            key=wanted.key,
            content=wanted.content,
            process=process.name,
            left_at=self.loop.time(),
            fate=fate.name,
            status=fate.status,
            answers_at=self.loop.time() + fate.travels * fate.arrives + fate.returns,
        )
        self.ledger.append(entry)
        self.on_entry(entry)
        return entry

    def _arrive(self, parcel: "_Parcel") -> None:
        status, body = self._answer(parcel)
        reply, wait = parcel.reply, parcel.fate.returns
        if parcel.entry:
            parcel.entry.status = status
            parcel.entry.answered_at = self.loop.time() + wait if status else None
        if status:
            headers = {"retry-after": str(RETRY_AFTER)} if status == 429 else {}
            response = httpx.Response(status, json=body, headers=headers, request=parcel.request)
            self.loop.later(wait, _answer, reply, response)
        else:
            self.loop.later(wait, _fail, reply, httpx.ReadError("the connection broke"))

    def _answer(self, parcel: "_Parcel") -> tuple[int, Any]:
        network, request, fate, now = parcel.network, parcel.request, parcel.fate, self.loop.time()
        if not network.admits(request, now):
            return fate.status and 401, {"error": "the token has ended"}
        if parcel.wanted is not None and parcel.entry is not None:
            return fate.status, self._take(network, parcel.wanted, parcel.entry, fate)
        return network.answer(request, now) if fate.status == 200 else (fate.status, {"error": fate.name})

    def _take(self, network: Network, wanted: Submission, entry: Entry, fate: Fate) -> Mapping[str, Any]:
        entry.arrived_at = self.loop.time()
        if not fate.takes:
            return {"error": fate.name}
        known = entry.repeats = network.known(wanted, entry.arrived_at)
        if known is None:
            known = entry.taken = network.take(wanted, entry.arrived_at, self.weather.lag_seconds(network))
        return network.accepted(known) if fate.status == 200 else {"error": fate.name}


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A request on its way."""

    network: Network
    request: httpx.Request
    wanted: Submission | None
    entry: Entry | None
    fate: Fate
    reply: "asyncio.Future[httpx.Response]"


def _answer(reply: "asyncio.Future[httpx.Response]", response: httpx.Response) -> None:
    if not reply.done():
        reply.set_result(response)


def _fail(reply: "asyncio.Future[httpx.Response]", error: Exception) -> None:
    if not reply.done():
        reply.set_exception(error)


@dataclass
class _Transport(httpx.AsyncBaseTransport):
    internet: Internet
    process: Process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.internet.send(self.process, request)


def instant(seconds: float) -> datetime:
    """True time as an instant."""
    return EPOCH + timedelta(seconds=seconds)
