"""Short requests straight on a connection of aiohttp's pool: written in one go, their replies read as they come.

aiohttp puts each request and reply together from parts of which most are not used here (cookies, redirects, tracing,
forms, streams), which takes longer than all that is left of a request.
"""

from collections.abc import AsyncIterator
from functools import lru_cache

import aiohttp
import httpx
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from shared.outbound.failures import UNSENDABLE, faithful, faithful_errors

LONGEST_BODY = 65536
"""What a socket takes at once; no server that reads slowly makes us hold more."""
_SCHEMES = ("http", "https")
_FINAL = 200


def is_direct(request: httpx.Request) -> bool:
    """Whether a request is short, and plain: aiohttp repeats what only reads, and signs in as the URL says."""
    url = request.url
    if request.method != "POST" or url.scheme not in _SCHEMES or url.userinfo or "sni_hostname" in request.extensions:
        return False
    return isinstance(request.stream, httpx.ByteStream) and len(request.content) <= LONGEST_BODY


async def send_directly(connector: aiohttp.BaseConnector, request: httpx.Request) -> httpx.Response:
    """Send it; the reply, whose body is still to be read. Raises what `client` promises."""
    written = _head(request) + request.content
    limits = request.extensions["timeout"]
    try:
        connection = await _connected(connector, request.url, limits)
        return await _exchange(connection, request, written, limits["read"])
    except (aiohttp.ClientError, ValueError) as error:
        raise faithful(error) from None


async def _connected(connector: aiohttp.BaseConnector, url: httpx.URL, limits: dict[str, float]) -> Connection:
    timeout = _timeout(limits["connect"], limits["pool"])
    try:
        return await connector.connect(_first_request(url.scheme, url.raw_host, url.port), [], timeout)
    except TimeoutError:
        raise aiohttp.ConnectionTimeoutError from None
    except aiohttp.ClientError:
        raise
    except OSError as error:
        raise aiohttp.ClientOSError(*error.args) from error


async def _exchange(connection: Connection, request: httpx.Request, written: bytes, seconds: float) -> httpx.Response:
    protocol = connection.protocol
    try:
        if protocol is None or protocol.transport is None or protocol.transport.is_closing():
            raise aiohttp.ClientConnectionResetError
        protocol.set_response_params(read_until_eof=True, auto_decompress=False, read_timeout=seconds)
        protocol.transport.write(written)
        protocol.start_timeout()
        head, body = await protocol.read()
        while head.code < _FINAL:
            protocol.start_timeout()  # it ended with what has come
            head, body = await protocol.read()
    except HttpProcessingError as error:
        connection.close()
        raise aiohttp.ClientError from error
    except BaseException:
        connection.close()
        raise
    return httpx.Response(head.code, headers=head.raw_headers, stream=_Body(connection, body), request=request)


class _Body(httpx.AsyncByteStream):
    """A reply's body; its connection is left to others once it has been read to its end."""

    def __init__(self, connection: Connection, content: aiohttp.StreamReader) -> None:
        self._connection = connection
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with faithful_errors():
            async for chunk in self._content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        self._connection.release()


def _head(request: httpx.Request) -> bytes:
    """The request's first lines. No value may end its line."""
    lines = [b"POST %b HTTP/1.1\r\n" % request.url.raw_path]
    lines += [b"%b: %b\r\n" % header for header in request.headers.raw]
    head = b"".join(lines)
    if head.count(b"\r") != len(lines) or head.count(b"\n") != len(lines) or b"\0" in head:
        kind, text = UNSENDABLE
        raise kind(text)
    return head + b"\r\n"


@lru_cache(maxsize=1000)
def _first_request(scheme: str, host: bytes, port: int | None) -> ClientRequest:
    """A request that stands for all to one server: connections are looked for, and made, by it."""
    return ClientRequest("POST", URL.build(scheme=scheme, host=host.decode(), port=port))


@lru_cache
def _timeout(connect: float, pool: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=connect, connect=pool)
