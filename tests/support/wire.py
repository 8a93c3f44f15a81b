"""A wire to the broker that a test can hold still or cut, while the broker itself goes on serving others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.waiting import eventually

LONGEST_HOLD = 60.0


@dataclass
class Wire:
    """A relay on a port of its own; `url` is the broker's address through it."""

    host: str
    port: int
    url: str = ""
    is_held: bool = False
    _is_cut: bool = False
    _pipes: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator["Wire"]:
        """A wire to the broker at this address."""
        target = urlsplit(url)
        assert target.hostname
        assert target.port
        wire = cls(target.hostname, target.port)
        server = await asyncio.start_server(wire._connected, "127.0.0.1", 0)
        wire.url = url.replace(f":{target.port}/", f":{server.sockets[0].getsockname()[1]}/")
        yield wire
        server.close()
        await wire.cut()

    async def cut(self) -> None:
        """End all connections, and end new ones at once until the wire is mended."""
        self._is_cut = True
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def mend(self) -> None:
        """Let new connections through."""
        self._is_cut = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.close()
            return
        there, back = await asyncio.open_connection(self.host, self.port)
        for one, other in ((reader, back), (there, writer)):
            pipe = asyncio.create_task(self._pipe(one, other))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while some := await reader.read(65536):
                await eventually(lambda: not self.is_held, within=LONGEST_HOLD)
                writer.write(some)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()
