"""incoming: a message as aio-pika hands it over, without a broker."""

from typing import Any

from aio_pika import IncomingMessage
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.header import ContentHeader


def incoming(
    body: bytes = b"{}",
    *,
    exchange: str = "timeball.events",
    routing_key: str = "schedule.requested",
    redelivered: bool = False,
    headers: dict[str, Any] | None = None,
    **properties: Any,
) -> IncomingMessage:
    """A message with these properties (`type` is called `message_type`), as it arrives from a queue."""
    return IncomingMessage(
        DeliveredMessage(
            delivery=Basic.Deliver("tag", 1, redelivered, exchange, routing_key),
            header=ContentHeader(properties=Basic.Properties(headers=headers, **properties)),
            body=body,
            channel=None,  # type: ignore[arg-type]
        )
    )
