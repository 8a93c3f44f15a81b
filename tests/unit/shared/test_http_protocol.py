"""A request that never comes whole is cut off after a while; one that does is answered at leisure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from shared.process.http_protocol import WholeRequests
from tests.support.waiting import PATIENCE

SOON = 0.2
LONG_AFTER = 3 * SOON

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class InAHurry(WholeRequests):
    """The same, with less patience."""

    request_seconds = SOON


async def answer(scope: Any, receive: Any, send: Any) -> None:
    body = await Request(scope, receive).body()
    await asyncio.sleep(LONG_AFTER)
    await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)


@asynccontextmanager
async def served(*, idle_seconds: float = SOON) -> AsyncIterator[Connect]:
    config = uvicorn.Config(answer, port=0, http=InAHurry, log_config=None, lifespan="off")
    config.load()
    config.timeout_keep_alive = idle_seconds  # type: ignore[assignment]
    server = await asyncio.get_running_loop().create_server(
        lambda: InAHurry(config=config, server_state=uvicorn.server.ServerState(), app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield lambda: asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
    ids=["nothing", "a part of a head", "a part of a body", "a chunk"],
)
async def test_a_request_that_never_comes_whole_is_cut_off(beginning: bytes) -> None:
    async with served() as connect:
        reader, writer = await connect()
        writer.write(beginning)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(_to_the_end(reader), PATIENCE)
        writer.close()


async def test_who_sends_a_byte_now_and_then_is_cut_off_too() -> None:
    async with served() as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")

        async def trickle() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(SOON / 10)

        trickling = asyncio.create_task(trickle())
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(_to_the_end(reader), PATIENCE)
        trickling.cancel()
        writer.close()


async def test_a_whole_request_is_answered_however_long_that_takes() -> None:
    async with served(idle_seconds=PATIENCE) as connect:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
            await writer.drain()
            writer.write(b"cde")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len("5 bytes")) == b"5 bytes"
        writer.close()


async def _to_the_end(reader: asyncio.StreamReader) -> None:
    """An end in good order is one too."""
    while await reader.read(1000):
        pass
    raise ConnectionResetError
