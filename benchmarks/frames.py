"""AMQP 0-9-1 frames: what a publish looks like on the wire, and the deliveries in what arrives."""

from collections.abc import Iterator
from struct import unpack_from
from typing import NamedTuple

from pamqp import body, commands, frame, header

CHANNEL = 1
_OVERHEAD = 8  # a frame's head (7) and end (1)
_METHOD, _HEADER, _BODY = 1, 2, 3
_DELIVER = b"\x00\x3c\x00\x3c"


class Delivery(NamedTuple):
    """One message from the broker."""

    event_type: str
    body: bytes


Arrival = Delivery | frame.FrameTypes


def publish(exchange: str, event_type: str, content: bytes, message_id: str, frame_max: int) -> bytes:
    """The frames of one persistent JSON message, ready to be written to a socket."""
    properties = commands.Basic.Properties(
        content_type="application/json", delivery_mode=2, message_type=event_type, message_id=message_id
    )
    parts: list[frame.FrameTypes] = [
        commands.Basic.Publish(exchange=exchange, routing_key=event_type),
        header.ContentHeader(0, len(content), properties),
        *(body.ContentBody(part) for part in _split(content, frame_max - _OVERHEAD)),
    ]
    return b"".join(frame.marshal(part, CHANNEL) for part in parts)


def _split(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


class Reader:
    """Turns received bytes into deliveries and, decoded by pamqp, everything else."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._event_type = ""
        self._missing = 0
        self._parts: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[Arrival]:
        """What has become complete with these bytes."""
        self._received += received
        start = 0
        while start + 7 <= len(self._received):
            kind, _, size = unpack_from(">BHI", self._received, start)
            end = start + size + _OVERHEAD
            if end > len(self._received):
                break
            if (arrival := self._read(kind, bytes(self._received[start:end]))) is not None:
                yield arrival
            start = end
        del self._received[:start]

    def _read(self, kind: int, whole: bytes) -> Arrival | None:
        if kind == _BODY:
            return self._collect(whole[7:-1])
        if kind == _HEADER:
            (self._missing,) = unpack_from(">Q", whole, 11)
            return None
        if kind == _METHOD and whole[7:11] == _DELIVER:
            self._event_type = _routing_key(whole)
            return None
        return frame.unmarshal(whole)[2]

    def _collect(self, part: bytes) -> Delivery | None:
        self._parts.append(part)
        self._missing -= len(part)
        if self._missing:
            return None
        content, self._parts = b"".join(self._parts), []
        return Delivery(self._event_type, content)


def _routing_key(deliver: bytes) -> str:
    """The last field of a basic.deliver: after the consumer tag, the delivery tag (8), a flag and the exchange."""
    exchange = 12 + deliver[11] + 9
    key = exchange + 1 + deliver[exchange]
    return deliver[key + 1 : key + 1 + deliver[key]].decode()
