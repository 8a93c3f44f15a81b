"""Signing in to a network with the browser, which it sends back to an address of this machine (RFC 8252)."""

import asyncio
import html
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

import httpx

from services.console.networks.oauth import NAMED, Network, Signed, SignInFailed, code_in, finish, start

PORT = 8765
PATIENCE_SECONDS = 300.0
NETWORK_SECONDS = 30.0
HOST, PATH = "127.0.0.1", "/callback"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Timeball</title></head>
<body style="font-family: sans-serif; margin: 4em">
<h1>{title}</h1><p>{text} You may close this window.</p>
</body></html>
"""


async def signed_in(
    network: Network,
    settings: Mapping[str, Any],
    app: Mapping[str, str],
    *,
    show: Callable[[str], object],
    port: int = PORT,
    patience: float = PATIENCE_SECONDS,
) -> Signed:
    """Settings and credentials of whoever signs in at the address that is shown; raises SignInFailed."""
    async with redirect(port) as back, httpx.AsyncClient(timeout=NETWORK_SECONDS, headers=NAMED) as http:
        started = await start(http, network, app, back.url)
        back.state = started.state
        show(started.page)
        code = await back.code(within=patience)
        return await finish(http, network, settings, started, code=code, back=back.url, now=datetime.now(UTC))


@dataclass
class Redirect:
    """Waits for the browser; `state` is what it must bring back: what comes without it, any page may have sent."""

    port: int
    state: str = ""
    _answer: asyncio.Future[Mapping[str, str]] = field(default_factory=asyncio.Future)
    _open: dict[asyncio.StreamWriter, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address to register with the network's app."""
        return f"http://{HOST}:{self.port}{PATH}"

    async def code(self, *, within: float) -> str:
        """The authorisation code; raises SignInFailed where the person says no, or nothing."""
        try:
            async with asyncio.timeout(within):
                answer = await self._answer
        except TimeoutError as error:
            raise SignInFailed(f"nobody signed in within {within:g} seconds; start again when you are ready") from error
        return code_in(answer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of the browser; it may ask for other things, such as an icon, or for nothing."""
        if task := asyncio.current_task():
            self._open[writer] = task
        try:
            writer.write(self._reply(await reader.readuntil(b"\r\n\r\n")))
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return
        finally:
            self._open.pop(writer, None)
            writer.close()

    async def hang_up(self) -> None:
        """Close what a browser keeps open in case that it needs it; a task left behind would be told as an error."""
        for writer in self._open:
            writer.close()
        if self._open:
            await asyncio.wait(self._open.values(), timeout=1)

    def _reply(self, head: bytes) -> bytes:
        method, _, rest = head.decode("latin-1").partition(" ")
        path, _, query = rest.partition(" ")[0].partition("?")
        if (method, path) != ("GET", PATH):
            return _page("404 Not Found", "Nothing here", "")
        answer = {name: values[0] for name, values in parse_qs(query).items()}
        if not compare_digest(answer.get("state", "").encode(), self.state.encode()):
            return _page("400 Bad Request", "Not connected", "This is not the sign-in that the terminal waits for.")
        if not self._answer.done():
            self._answer.set_result(answer)
        if "code" in answer:
            return _page("200 OK", "Thank you", "Timeball goes on in the terminal.")
        return _page("200 OK", "Not connected", "The terminal says why.")


@asynccontextmanager
async def redirect(port: int) -> AsyncIterator[Redirect]:
    """Listen on this port of the machine itself (0: any that is free) until the block ends."""
    waiting = Redirect(port)
    try:
        server = await asyncio.start_server(waiting.serve, HOST, port)
    except OSError as error:
        reason = f"port {port} is taken: choose another with --port, and register its address with your app"
        raise SignInFailed(reason) from error
    waiting.port = server.sockets[0].getsockname()[1]
    try:
        yield waiting
    finally:  # `async with server` would wait for connections that a browser keeps open
        server.close()
        await waiting.hang_up()


def _page(status: str, title: str, text: str) -> bytes:
    body = PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
