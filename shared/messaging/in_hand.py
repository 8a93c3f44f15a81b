"""Publishing for a message in hand: what takes its place is confirmed before it is acknowledged."""

import asyncio

import structlog
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError

from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher

AGAIN_SECONDS = 1.0

log = structlog.get_logger()


async def published_in_hand(
    publisher: Publisher, message: AbstractIncomingMessage, outgoing: Outgoing, *, queue: str
) -> bool:
    """Publish, however often it takes; False when the channel that brought the message is gone: then it comes again.

    While the broker takes nothing, the message stays in hand: its queue counts each return against its delivery limit,
    and in a long alarm would park what nothing is wrong with.
    """
    while not _is_gone(message):
        try:
            await publisher.publish(outgoing)
        except BrokerUnavailable as error:
            log.warning("message_kept_in_hand", queue=queue, error=str(error))
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return True
    return False


def _is_gone(message: AbstractIncomingMessage) -> bool:
    """Whether the channel that brought the message is closed."""
    try:
        return message.channel.is_closed
    except ChannelInvalidStateError:
        return True
