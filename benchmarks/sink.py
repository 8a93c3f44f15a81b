"""The social network of the benchmarks: answers every request `{"id":"x1"}` at once, with keep-alive.

Run as a program: `python -m benchmarks.sink PORT`. Both sides send to the same sink.
"""

import asyncio
import re
import sys
from typing import cast

import uvloop

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"id":"x1"}'
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def request_size(received: bytes) -> int | None:
    """Bytes of the first request in `received`, or None while its head is incomplete."""
    head = received.find(HEAD_END)
    if head < 0:
        return None
    length = LENGTH.search(received, 0, head)
    return head + len(HEAD_END) + (int(length[1]) if length else 0)


class Sink(asyncio.Protocol):
    """One connection: counts whole requests and answers each."""

    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where the answers go."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.received += data
        while (size := request_size(self.received)) is not None and size <= len(self.received):
            self.received = self.received[size:]
            self.transport.write(ANSWER)


async def serve(port: int) -> None:
    """Answer on the loopback `port` until stopped."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
