"""Taking messages as they come from the channel: one task each, ours.

aiormq starts a task for a delivery, in which aio-pika starts another, in which FastStream calls what we gave it.
"""

from collections.abc import Callable
from typing import Any

import aiormq
import aiormq.connection
from aio_pika import IncomingMessage
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.messaging.amqp_connection import AmqpConnection
from shared.messaging.frames import Frames, Message, unmarshal_what_can_be_read
from shared.messaging.transport import Encrypted, Plain

TAKES = "takes_directly"
"""The attribute of a subscriber that has what is called with each of its messages."""


class Arrived(IncomingMessage):
    """A message; aio-pika's own asks before it sets each of its attributes whether it has been sent already."""

    __setattr__ = object.__setattr__  # type: ignore[assignment]


class Channel(aiormq.Channel):
    """A channel whose messages are taken directly by who can."""

    async def _on_deliver_frame(self, frame: Basic.Deliver) -> None:
        if not isinstance(frame, Message):
            await super()._on_deliver_frame(frame)
            return
        consumer: Any = self.consumers.get(frame.consumer_tag or "")
        if consumer is None:
            return
        message = DeliveredMessage(frame, frame.header, frame.body, self)
        if take := _taker(consumer):
            take(Arrived(message))
        else:
            self.create_task(consumer(message)).add_done_callback(self._on_consumer_done)


def _taker(consumer: Any) -> Callable[[IncomingMessage], None] | None:
    """What a subscriber offers whose method aio-pika has wrapped for aiormq."""
    callback, *_ = getattr(consumer, "args", None) or (None,)
    return getattr(getattr(callback, "__self__", None), TAKES, None)


def take_directly() -> None:
    """Let aiormq, which aio-pika lets nobody tell, use what is above, in `amqp_connection`, `frames` and `transport`,
    from now on."""
    aiormq.connection.Connection = AmqpConnection  # type: ignore[misc]
    aiormq.connection.FrameReceiver = Frames  # type: ignore[misc]
    aiormq.connection.Channel = Channel  # type: ignore[attr-defined]
    aiormq.connection.TCPTransportFactory = Plain  # type: ignore[misc, assignment]
    aiormq.connection.TLSTransportFactory = Encrypted  # type: ignore[misc, assignment]
    ContentHeader.unmarshal = unmarshal_what_can_be_read  # type: ignore[assignment, method-assign]
