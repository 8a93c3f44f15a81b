"""HTTP as the fakes speak it: requests are read whole, and what is answered, or not, is up to the fake."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

GARBAGE = b"\x00\xff this is not HTTP\r\n\r\n"


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


@dataclass
class HttpServer(ABC):
    """A server on a loopback port; subclasses answer."""

    url: str = ""
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @abstractmethod
    async def reply(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; False when the connection is done for."""

    @asynccontextmanager
    async def serving(self, *, port: int = 0) -> AsyncIterator[Self]:
        """Serve until the block ends, at any free port or where somebody served before."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", port, backlog=1024)
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
            while (call := await _read(reader)) and await self.reply(call, writer):
                pass
        except ConnectionError:
            pass
        finally:
            writer.close()


def written(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """An answer as it goes over the wire."""
    named = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status} Answer", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


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
