"""A lean AMQP client, so that loading and collecting cost little instead of a share of a core.

The benchmarks share two cores with what they measure. A general client spends on each message about what a service
does; this one writes frames made beforehand and only splits what arrives.
"""

import asyncio
from collections.abc import Callable
from typing import cast
from urllib.parse import unquote, urlsplit

from pamqp import commands, frame, header

from benchmarks.frames import CHANNEL, Delivery, Reader

PATIENCE = 20.0  # seconds for the broker's answer to a call
_CLOSED = (commands.Connection.Close, commands.Channel.Close)


class WireError(Exception):
    """The broker closed the connection, or answered something unexpected."""


class Wire(asyncio.Protocol):
    """One connection with one channel; deliveries go to `on_delivery`."""

    def __init__(self, on_delivery: Callable[[Delivery], None]) -> None:
        self.on_delivery = on_delivery
        self.frame_max = 0
        self._reader = Reader()
        self._answers: asyncio.Queue[frame.FrameTypes] = asyncio.Queue()
        self._writable = asyncio.Event()

    @classmethod
    async def connect(cls, url: str, on_delivery: Callable[[Delivery], None]) -> "Wire":
        """Log in at the broker and open the channel."""
        address = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(lambda: cls(on_delivery), address.hostname or "", address.port or 5672)
        user, password = unquote(address.username or "guest"), unquote(address.password or "guest")
        await wire._open(f"\0{user}\0{password}", unquote(address.path[1:]) or "/")
        return wire

    async def call(self, method: frame.FrameTypes, channel: int = CHANNEL) -> frame.FrameTypes:
        """Send a method and return the broker's answer."""
        self._transport.write(frame.marshal(method, channel))
        return await self._answer()

    async def write(self, frames: bytes) -> None:
        """Send frames made beforehand, waiting while the broker takes no more."""
        await self._writable.wait()
        self._transport.write(frames)

    def close(self) -> None:
        """Drop the connection; what was declared exclusive goes with it."""
        self._transport.close()

    async def _open(self, login: str, vhost: str) -> None:
        self._transport.write(frame.marshal(header.ProtocolHeader(), 0))
        await self._answer()
        tune = await self.call(commands.Connection.StartOk({}, "PLAIN", login, "en_US"), 0)
        if not isinstance(tune, commands.Connection.Tune):
            raise WireError(f"the broker answered {tune.name} to the login")
        self.frame_max = tune.frame_max
        accepted = commands.Connection.TuneOk(tune.channel_max, tune.frame_max, 0)
        self._transport.write(frame.marshal(accepted, 0))
        await self.call(commands.Connection.Open(vhost), 0)
        await self.call(commands.Channel.Open())

    async def _answer(self) -> frame.FrameTypes:
        async with asyncio.timeout(PATIENCE):
            answer = await self._answers.get()
        if isinstance(answer, _CLOSED):
            raise WireError(f"{answer.reply_code} {answer.reply_text}")
        return answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to write."""
        self._transport = cast(asyncio.Transport, transport)
        self._writable.set()

    def pause_writing(self) -> None:
        """The broker takes no more for now."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The broker takes more again."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Hand over deliveries, keep answers."""
        for arrival in self._reader.feed(data):
            if isinstance(arrival, Delivery):
                self.on_delivery(arrival)
            else:
                self._answers.put_nowait(arrival)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for a broker that is gone."""
        self._answers.put_nowait(commands.Connection.Close(320, str(exc or "connection closed"), 0, 0))
        self._writable.set()
