"""The shelf: a service's dead letters, taken in hand one after another on a channel of their own.

Those that are not let go return to their places when the channel closes, or when the process dies.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

from aio_pika import IncomingMessage
from aiormq.abc import AbstractChannel
from faststream.rabbit import RabbitBroker
from pamqp.commands import Basic

from shared.messaging.broker import BrokerUnavailable
from shared.messaging.dead_letters.letter import Letter
from shared.messaging.kept_connection import LOST

ANSWER_SECONDS = 10.0

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Shelf:
    """The letters that rested when it was opened; what dies meanwhile stands behind them and is left alone."""

    channel: AbstractChannel
    queue: str
    resting: int

    @classmethod
    @asynccontextmanager
    async def open(cls, broker: RabbitBroker, queue: str) -> AsyncIterator[Self]:
        """Open it on the consuming connection: when that is lost, so is the request, and both come again."""
        channel = await _answered(_channel_of(broker))
        try:
            declared = await _answered(channel.queue_declare(queue, passive=True))
            yield cls(channel, queue, declared.message_count or 0)
        finally:
            if not channel.is_closed:
                await _answered(channel.close())

    async def letters(self) -> AsyncIterator[Letter]:
        """Take each letter in hand."""
        for _ in range(self.resting):
            found = await _answered(self.channel.basic_get(self.queue))
            if isinstance(found.delivery, Basic.GetEmpty):
                return
            yield Letter.of(IncomingMessage(found))

    async def let_go(self, letters: Sequence[Letter]) -> None:
        """Take letters off the shelf for good."""
        for letter in letters:
            assert letter.message.delivery_tag is not None
            await _answered(self.channel.basic_ack(letter.message.delivery_tag, wait=letter is letters[-1]))


async def _channel_of(broker: RabbitBroker) -> AbstractChannel:
    """A channel that ends with its connection: one that is opened again would not know what is in hand."""
    transport = (await broker.connect()).transport
    if transport is None:
        raise ConnectionError("the consuming connection is down")
    return await transport.connection.channel(publisher_confirms=False)


async def _answered(call: Awaitable[AnswerT]) -> AnswerT:
    """The broker's answer, or BrokerUnavailable."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await call
    except LOST as error:
        raise BrokerUnavailable(f"dead letters cannot be looked through: {error!r}") from error
