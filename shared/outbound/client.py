"""Outbound: the HTTP client for calls to other people's servers.

httpx's interface on aiohttp's connections, since httpx's own pool is several times slower under concurrency. Every
failure is an httpx exception that tells whether the request may have arrived:

    httpx.TransportError
    ├── ConnectError, ConnectTimeout                      it did not: nothing was sent
    │   └── ForbiddenAddress                              … because the address is not public
    ├── UnsupportedProtocol, LocalProtocolError           it did not: it cannot be sent
    └── ReadError, ReadTimeout, RemoteProtocolError       it may have

The timeout bounds each connect and each read; bound a whole call with `asyncio.timeout`.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from functools import cache
from importlib.metadata import version
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport

from shared.connections.cutting import cut_off
from shared.outbound.addresses import is_public
from shared.outbound.decoding import decoded
from shared.outbound.direct import is_direct, send_directly
from shared.outbound.failures import NotPublicError, faithful_errors
from shared.outbound.lookups import Lookups

CONNECT_SECONDS = 5
"""Shorter than any whole send may take, so that a server that takes no connections is known to have got nothing."""
UNACKNOWLEDGED_MS = 20_000
"""After so long in which the other machine takes nothing, what was sent to it is given up: before anybody takes the
sender for dead (a lease less the time of a send), and looks whether its request has arrived."""
_READ = httpx.ByteStream(b"")


def outbound_client(
    *,
    allow_private_addresses: bool,
    timeout: float = 15,
    max_connections: int = 200,
    keepalive_seconds: float = 2.0,
    resolver: AbstractResolver | None = None,
) -> httpx.AsyncClient:
    """A client that follows no redirect, keeps no cookie and, unless allowed, reaches public addresses only.

    Idle connections are kept for a shorter time than servers keep theirs: a request sent into a connection that the
    server is just closing gets no reply, and nobody can tell whether it arrived.
    """

    def connect(certificates: ssl.SSLContext) -> aiohttp.TCPConnector:
        return _Connector(
            ssl=certificates,
            limit=max_connections,
            keepalive_timeout=keepalive_seconds,
            resolver=resolver or Lookups(),
            socket_factory=_socket if allow_private_addresses else _socket_to_public_address,
        )

    until_connected = min(timeout, CONNECT_SECONDS)
    return _Client(
        _Transport(connect),
        # `pool` is all that bounds how long aiohttp looks a name up
        timeout=httpx.Timeout(timeout, connect=until_connected, pool=until_connected),
        trust_env=False,
        follow_redirects=False,
        headers={"user-agent": f"Timeball/{version('timeball')}", "accept-encoding": "gzip, deflate"},
    )


async def send_bounded(
    client: httpx.AsyncClient, request: httpx.Request, limit: int = 65536, *, body_within: float | None = None
) -> tuple[httpx.Response, bytes]:
    """Send a request; the reply, and the first `limit` bytes of its body.

    With `body_within` the status says it all: a body that cannot be read in so many seconds counts as empty.
    """
    response = await client.send(request, stream=True)
    try:
        if body_within is None:
            return response, await read_bounded(response, limit)
        return response, await _read_if_possible(response, limit, body_within)
    finally:
        await response.aclose()
        # httpx's stream and its response refer to each other: thousands a second would keep the garbage collector busy
        response.stream = _READ


async def _read_if_possible(response: httpx.Response, limit: int, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await read_bounded(response, limit)
    except (httpx.TransportError, httpx.DecodingError, TimeoutError):
        return b""


async def read_bounded(response: httpx.Response, limit: int = 65536) -> bytes:
    """The first `limit` bytes of a streamed body, decoded; the rest is never read.

    Cut rather than refused, because the status has already told what became of the request.
    """
    body = bytearray()
    async for part in decoded(response):
        body += part
        if len(body) >= limit:
            break
    return bytes(body[:limit])


class _Client(httpx.AsyncClient):
    """A client whose requests have nothing to do with one another: each goes straight to the transport.

    What httpx does in between (redirects, cookies, ways to sign in that take several requests) is not wanted here and
    costs a fifth of a request.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, **options: Any) -> None:
        super().__init__(transport=transport, **options)
        self._direct = transport

    async def send(self, request: httpx.Request, *, stream: bool = False, auth: Any = None, **_: Any) -> httpx.Response:
        """The reply; with `stream`, its body is still to be read. `auth` is a name and a password."""
        if isinstance(auth, httpx.Auth):
            raise TypeError("an outbound client signs in with a name and a password only")
        if isinstance(auth, tuple):
            request = next(httpx.BasicAuth(*auth).auth_flow(request))
        response = await self._direct.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response


@cache
def _certificates() -> ssl.SSLContext:
    """Whom this process trusts, read once: that costs 15 ms. Of the environment only a machine's own certificate
    authorities (SSL_CERT_FILE) count."""
    return httpx.create_ssl_context(trust_env=True)


class _Connector(aiohttp.TCPConnector):
    """A pool of connections on which nothing has come that nobody asked for, as a 408 about an idle connection: it
    would be taken for the reply to the next request.

    A connection whose request was given up is cut off: what the server has not got by then, it never gets.
    """

    async def _get(self, key: Any, traces: Any) -> Connection | None:
        while connection := await super()._get(key, traces):
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        return None

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        if should_close and protocol.transport is not None:
            cut_off(protocol.transport)
        super()._release(key, protocol, should_close=should_close)


class _Transport(AiohttpTransport):
    """aiohttp's connections, with errors that tell the truth about what was sent."""

    def __init__(self, connect: Callable[[ssl.SSLContext], aiohttp.TCPConnector]) -> None:
        super().__init__(client=self._session, verify=_certificates())
        self._connect = connect

    def _connector(self) -> aiohttp.BaseConnector:
        """The pool, which both ways share."""
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self._session()
        assert self.client.connector is not None, "nobody sends with a client that is closed"
        return self.client.connector

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=self._connect(self.ssl_context), cookie_jar=aiohttp.DummyCookieJar())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if is_direct(request):
            return await send_directly(self._connector(), request)
        with faithful_errors():
            response = await super().handle_async_request(request)
        response.stream = _Body(response.stream)
        return response


class _Body(httpx.AsyncByteStream):
    """A reply's body, with the same truthful errors."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with faithful_errors():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        with faithful_errors():
            await self._stream.aclose()


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket whose kernel gives up in time what nobody acknowledges, though our process has been killed meanwhile."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    return made


def _socket_to_public_address(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for the very address about to be connected to, however it was written or resolved."""
    _, _, _, _, (host, *_) = address
    if not is_public(host):
        raise NotPublicError("the server's address is not public")
    return _socket(address)
