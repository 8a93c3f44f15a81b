"""Reading frames: all that have come at once, those of a message as one, and what cannot be read is left out.

aiormq waits four times and takes a lock for each frame, and hands the three frames of a message on one by one.

AMQP's short strings and timestamps are whatever bytes a producer sends: a correlation id in Latin-1, a timestamp in
nanoseconds. pamqp raises, aiormq closes the connection, the broker delivers the message again and again, and all that
wait behind it share its fate until the delivery limit parks them. Such properties must not cost the connection.
"""

import struct
from collections import deque
from collections.abc import Iterator
from typing import Any

import aiormq
from aiormq.connection import FrameReceiver
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.constants import FRAME_METHOD
from pamqp.exceptions import PAMQPException
from pamqp.frame import unmarshal
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

MOST_AT_ONCE = 65536
_START = struct.Struct(">BHI")
"""Kind, channel, size."""
_END = b"\xce"
_METHOD = struct.pack(">B", FRAME_METHOD)
_DELIVER = struct.pack(">I", Basic.Deliver.index)
_ARGUMENTS = _START.size + len(_DELIVER)
_NUMBERS = struct.Struct(">QB")
"""Delivery tag, flags."""
_ENDED = "Server connection unexpectedly closed"


class Message(Basic.Deliver):
    """All frames of a delivery; aiormq takes it for the first of them."""

    def __init__(self, first: bytes) -> None:
        consumer_tag, at = _short_text(first, _ARGUMENTS)
        delivery_tag, bits = _NUMBERS.unpack_from(first, at)
        exchange, at = _short_text(first, at + _NUMBERS.size)
        routing_key, _ = _short_text(first, at)
        super().__init__(consumer_tag, delivery_tag, bool(bits & 1), exchange, routing_key)
        self.header = ContentHeader()
        self._parts: list[bytes] | None = None
        self._missing = 0

    def add(self, frame: object) -> None:
        """The next of its frames."""
        if isinstance(frame, ContentHeader) and self._parts is None:
            self.header, self._missing, self._parts = frame, frame.body_size, []
        elif isinstance(frame, ContentBody) and self._parts is not None:
            self._parts.append(frame.value)
            self._missing -= len(frame.value)
        else:
            raise aiormq.exceptions.InvalidFrameError(f"{frame!r} in the middle of a message")

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there."""
        return self._parts is not None and self._missing <= 0

    @property
    def body(self) -> bytes:
        """What was sent."""
        return b"".join(self._parts or ())

    def validate(self) -> None:
        """The broker knows what it says."""


def _short_text(data: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends. Of a routing key nobody says that it is UTF-8; what is read
    of it is no longer than it was, because copies of the message go out under it."""
    end = at + 1 + data[at]
    return data[at + 1 : end].decode(errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?"), end


class Frames(FrameReceiver):
    """The frames of a connection, in their order; the very first as aiormq reads them."""

    def __init__(self, reader: Any) -> None:
        super().__init__(reader)
        self._unread = b""
        self._ready: deque[Any] = deque()
        self._coming: dict[int, Message] = {}

    async def get_frame(self) -> Any:
        """The next frame with its size and channel."""
        if not self.started:
            return await super().get_frame()
        while not self._ready:
            self._ready.extend(self._frames_in(await self._read()))
        return self._ready.popleft()

    async def _read(self) -> bytes:
        try:
            data = await self.reader.read(MOST_AT_ONCE)
        except OSError as error:
            raise aiormq.exceptions.AMQPConnectionError(f"Server communication error: {error!r}") from error
        if not data:
            raise aiormq.exceptions.AMQPConnectionError(_ENDED)
        return self._unread + data

    def _frames_in(self, data: bytes) -> Iterator[Any]:
        """What is complete; the rest stays for the next time."""
        start = 0
        while start + _START.size <= len(data):
            _, channel, size = _START.unpack_from(data, start)
            end = start + _START.size + size + len(_END)
            if end > len(data):
                break
            yield from self._joined(channel, data[start:end])
            start = end
        self._unread = data[start:]

    def _joined(self, channel: int, data: bytes) -> Iterator[Any]:
        """The frame, or the message that it ends; nothing while more of a message is to come."""
        if _is_delivery(data) and data.endswith(_END):
            self._coming[channel] = Message(data)
            return
        frame = _read(data)
        message = self._coming.get(channel)
        if message is None:
            yield len(data), channel, frame
            return
        message.add(frame)
        if message.is_whole:
            del self._coming[channel]
            yield len(data), channel, message
        elif isinstance(frame, ContentBody):
            yield len(data), 0, Heartbeat()  # a long message on a slow line is a sign of life as well


def _is_delivery(data: bytes) -> bool:
    """Whether the frame begins a message; a part of a body may hold the same bytes."""
    return data.startswith(_METHOD) and data[_START.size : _ARGUMENTS] == _DELIVER


def _read(data: bytes) -> Any:
    try:
        return unmarshal(data)[2]
    except PAMQPException as error:
        raise aiormq.exceptions.InvalidFrameError(str(error)) from error


_unmarshal = ContentHeader.unmarshal


def unmarshal_what_can_be_read(header: ContentHeader, data: bytes) -> None:
    """Let a message arrive without those of its properties that cannot be read, and without those that follow them."""
    try:
        _unmarshal(header, data)
    except (ValueError, OverflowError, OSError, RecursionError):
        return
