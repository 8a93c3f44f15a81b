"""What the fake networks have in common: a server, a ledger, and the ways in which a test makes it go wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Call:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def form(self) -> dict[str, str]:
        """The body as a form; of a repeated field the first."""
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def token(self) -> str:
        """What stands behind `Bearer` (or another scheme) in the Authorization header."""
        return self.headers.get("authorization", "").partition(" ")[2]


@dataclass(frozen=True)
class Reply:
    """An answer: JSON unless `body` is bytes."""

    status: int = HTTPStatus.OK
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Posted:
    """A post as it appears on the network; `raw` is all that was stored of it."""

    id: str
    account: str
    text: str
    raw: Any = None


@dataclass(frozen=True)
class Fault:
    """How the next publishing request goes wrong.

    `lands` says whether the post appears all the same; `then` what its sender gets instead of the network's own reply.
    """

    lands: bool
    then: Literal["reply", "hang up", "hang", "babble"] = "reply"
    reply: Reply | None = None


REPLY_LOST = Fault(lands=True, then="hang up")
NEVER_ARRIVED = Fault(lands=False, then="hang up")
HANGS = Fault(lands=False, then="hang")
HANGS_AFTER_LANDING = Fault(lands=True, then="hang")
GARBAGE = Fault(lands=True, then="babble")


def refuses(status: int, body: Any = None, **headers: str) -> Fault:
    """Nothing is published; `retry_after="2"` becomes the header `retry-after: 2`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(lands=False, reply=Reply(status, body, named))


@dataclass
class Network:
    """A network: subclasses say which requests publish, and how every request is answered."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    posts: list[Posted] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    def publishes(self, call: Call) -> bool:
        """Whether this is the request that makes a post appear."""
        raise NotImplementedError

    def answer(self, call: Call) -> Reply:
        """The network's own reply, with all that it does to the network's state."""
        raise NotImplementedError

    def publishing_calls(self) -> list[Call]:
        """The requests to publish that arrived, in order."""
        return [call for call in self.calls if self.publishes(call)]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """Serve until the block ends."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while call := await _read(reader):
                self.calls.append(call)
                if not await self._reply(call, writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _reply(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Answer as the network does, or as the next fault says; False when the connection is done for."""
        fault = self.faults.pop(0) if self.faults and self.publishes(call) else None
        reply = self.answer(call) if fault is None or fault.lands else Reply()
        if fault and fault.then == "hang":
            await asyncio.Event().wait()
        if fault is None or fault.then == "reply":
            writer.write(_written(fault.reply if fault and fault.reply else reply))
        elif fault.then == "babble":
            writer.write(b"\x00\xff this is not HTTP\r\n\r\n")
        await writer.drain()
        return fault is None or fault.then == "reply"


async def _read(reader: asyncio.StreamReader) -> Call | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await _read_body(reader, headers)
    method, target, _ = first.split(" ")
    address = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
    return Call(method, address.path, query, headers, body)


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def _written(reply: Reply) -> bytes:
    body = (
        reply.body
        if isinstance(reply.body, bytes)
        else json.dumps(reply.body if reply.body is not None else {}).encode()
    )
    headers = {"content-type": "application/json", "content-length": str(len(body)), **reply.headers}
    lines = [f"HTTP/1.1 {int(reply.status)} Answer", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
