"""Networks beside the sink, each a destination of its own: one that answers at once, and one that hangs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.sink import Sink


@asynccontextmanager
async def answering() -> AsyncIterator[str]:
    """The address of a network that answers every request at once."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    async with server:
        yield _address(server)


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """The address of a network that takes every request and never answers."""
    connections: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.read(65_536):
            pass

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield _address(server)
    finally:
        server.close()
        for connection in connections:
            connection.close()


def _address(server: asyncio.Server) -> str:
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/p"
