"""A service's queue of dead letters, read one letter after another on a channel of its own.

Letters that are not removed return to their places when the channel closes, or when the process dies.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self, TypeVar

from aio_pika import IncomingMessage
from aiormq.abc import AbstractChannel, DeliveredMessage
from faststream.rabbit import RabbitBroker

from shared.connections.cancellations import StrayCancellations
from shared.messaging.broker import BrokerUnavailable
from shared.messaging.dead_letters.letter import Letter
from shared.messaging.kept_connection import LOST
from shared.messaging.refusals import why_lost

ANSWER_SECONDS = 10.0
FIRST, MOST, MOST_BYTES = 5, 50, 16 * 1024 * 1024
"""How many letters are in memory at one time; fewer where they are large, which may be why they died."""
LONGEST_GAP_SECONDS = 5.0
"""How long is waited for letters that were counted and do not come."""

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class DeadLetterQueue:
    """The letters that were there when it was opened; later ones stand behind them and are left alone."""

    channel: AbstractChannel
    queue: str
    resting: int

    @classmethod
    @asynccontextmanager
    async def open(cls, broker: RabbitBroker, queue: str) -> AsyncIterator[Self]:
        """Open it on the consuming connection: when that is lost, so is the request, and both come again."""
        channel = await _answered(_channel_of(broker))
        try:
            yield cls(channel, queue, await _length(channel, queue))
        finally:
            if not channel.is_closed:
                await _answered(channel.close())

    async def letters(self) -> AsyncIterator[Letter]:
        """Take each letter in hand, some at a time: one by one, ten thousand take half a minute."""
        left, size = self.resting, FIRST
        while left > 0:
            wanted = min(left, size)
            taken = await self._take(wanted)
            for letter in taken:
                yield letter
            left = left - wanted if len(taken) == wanted else 0
            size = next_size(taken)

    async def _take(self, count: int) -> Sequence[Letter]:
        """The next letters; fewer where somebody else has taken some meanwhile.

        A consumer gets as many as it may have in hand and is ended. The letters stay in hand until the channel closes.
        """
        taken: list[Letter] = []
        is_enough = asyncio.Event()

        async def take(message: DeliveredMessage) -> None:
            taken.append(Letter.of(IncomingMessage(message)))
            if len(taken) == count:
                is_enough.set()

        await _answered(self.channel.basic_qos(prefetch_count=count))
        consumer = await _answered(self.channel.basic_consume(self.queue, take))
        assert consumer.consumer_tag is not None
        while len(taken) < count and await _grows(taken, is_enough):
            pass
        await _answered(self.channel.basic_cancel(consumer.consumer_tag))
        if len(taken) < count and await _length(self.channel, self.queue):
            raise BrokerUnavailable(f"messages rest in {self.queue} and do not come")
        return taken

    async def remove(self, letters: Sequence[Letter]) -> None:
        """Remove letters for good."""
        for letter in letters:
            assert letter.message.delivery_tag is not None
            await _answered(self.channel.basic_ack(letter.message.delivery_tag, wait=letter is letters[-1]))


def next_size(taken: Sequence[Letter]) -> int:
    """How many to take at once after these, so that about so many bytes are in memory."""
    size = sum(len(letter.message.body) for letter in taken)
    return max(1, min(MOST, MOST_BYTES * len(taken) // size)) if size else MOST


async def _grows(taken: Sequence[Letter], is_enough: asyncio.Event) -> bool:
    """Wait for more letters; whether any came."""
    before = len(taken)
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_GAP_SECONDS):
            await is_enough.wait()
    return len(taken) > before


async def _length(channel: AbstractChannel, queue: str) -> int:
    """How many messages are ready in a queue."""
    declared = await _answered(channel.queue_declare(queue, passive=True))
    return declared.message_count or 0


async def _channel_of(broker: RabbitBroker) -> AbstractChannel:
    """A channel that ends with its connection: one that is opened again would not know what is in hand."""
    transport = (await broker.connect()).transport
    if transport is None:
        raise ConnectionError("the consuming connection is down")
    return await transport.connection.channel(publisher_confirms=False)


async def _answered(call: Awaitable[AnswerT]) -> AnswerT:
    """The broker's answer, or BrokerUnavailable."""
    try:
        with StrayCancellations():
            async with asyncio.timeout(ANSWER_SECONDS):
                return await call
    except LOST as error:
        raise BrokerUnavailable(f"dead letters cannot be looked through: {why_lost(error)}") from error
