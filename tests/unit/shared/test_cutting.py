"""What a connection has not sent when it is cut off never arrives."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import uvloop

from shared.connections.cutting import cut_off
from shared.outbound import client
from shared.outbound.client import outbound_client
from tests.support.waiting import LATE, eventually

CONNECTIONS = Path("/proc/net/tcp")
SENT = 300_000
"""More than a server takes that does not read, and less than the kernel takes for it."""


@asynccontextmanager
async def not_reading() -> AsyncIterator[tuple[int, Callable[[], Awaitable[int]]]]:
    """The port of a server that accepts and does not read; at last it counts what it has got."""
    loop, listening = asyncio.get_running_loop(), socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.setblocking(False)

    async def got() -> int:
        await asyncio.sleep(0)  # the loop closes a socket when it comes to it
        accepted, _ = await loop.sock_accept(listening)
        size = 0
        with suppress(ConnectionError), accepted:
            while part := await loop.sock_recv(accepted, 65536):
                size += len(part)
        return size

    with listening:
        yield listening.getsockname()[1], got


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """Services run on uvloop."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


def test_what_the_kernel_holds_is_dropped(runner: asyncio.Runner) -> None:
    async def cut() -> int:
        async with not_reading() as (port, got):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x" * SENT)
            await asyncio.sleep(0)
            assert writer.transport.get_write_buffer_size() == 0

            cut_off(writer.transport)
            cut_off(writer.transport)

            return await got()

    assert runner.run(cut()) < SENT


@pytest.mark.parametrize("size", [60_000, SENT], ids=["sent directly", "sent by aiohttp"])
def test_a_request_that_was_given_up_does_not_arrive_later(runner: asyncio.Runner, size: int) -> None:
    """A look-up may have found by then that the post is not there, and another one been sent."""

    async def give_up() -> int:
        async with not_reading() as (port, got), outbound_client(allow_private_addresses=True, timeout=0.3) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.post(f"http://127.0.0.1:{port}/", content=b"x" * size)
            return await got()

    assert runner.run(give_up()) < size


@pytest.mark.skipif(not CONNECTIONS.exists(), reason="the kernel does not list its connections")
async def test_nor_does_one_whose_sender_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel closes its socket, and would go on sending when the network is back."""
    monkeypatch.setattr(client, "UNACKNOWLEDGED_MS", 200)
    async with not_reading() as (port, got):
        made = client._socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)))
        made.connect(("127.0.0.1", port))
        ours = f":{made.getsockname()[1]:04X} 0100007F:{port:04X} "
        sent = made.send(b"x" * SENT)
        made.close()

        await eventually(lambda: ours not in CONNECTIONS.read_text(), within=LATE.total_seconds())

        assert await got() < sent
