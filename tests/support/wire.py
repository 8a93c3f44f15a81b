"""A wire to the broker that a test can hold still or cut, while the broker itself goes on serving others."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.waiting import eventually

LONGEST_HOLD = 60.0
UNBOUNDED = sys.maxsize


@dataclass
class Wire:
    """A relay on a port of its own; `url` is the broker's address through it."""

    host: str
    port: int
    url: str = ""
    is_held: bool = False
    turned_away: int = 0
    ends_after: list[int] = field(default_factory=list)
    """After how many bytes from the broker the next connections end, one after another."""
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
            self.turned_away += 1
            writer.close()
            return
        there, back = await asyncio.open_connection(self.host, self.port)
        most = self.ends_after.pop(0) if self.ends_after else UNBOUNDED
        for one, other, bound in ((reader, back, UNBOUNDED), (there, writer, most)):
            pipe = asyncio.create_task(self._pipe(one, other, bound))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        try:
            while most and (some := await reader.read(min(65536, most))):
                most -= len(some)
                await eventually(lambda: not self.is_held, within=LONGEST_HOLD)
                writer.write(some)
                await writer.drain()
            if not most:
                writer.transport.abort()
        except ConnectionError:
            return
        finally:
            writer.close()
