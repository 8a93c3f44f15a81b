"""An ear: a queue of one process, through which events flow only while it is open."""

import asyncio
from dataclasses import dataclass

import aiormq
from aio_pika.exceptions import AMQPException
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from shared.messaging.broker import BrokerUnavailable
from shared.messaging.topology import EVENTS_EXCHANGE

ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Ear:
    """Opens and closes the binding of a listening subscriber; a reconnect keeps it as it is."""

    subscriber: RabbitSubscriber
    binding: str

    async def open(self) -> None:
        """Let events in; BrokerUnavailable when the broker does not confirm it."""
        await self._turn("bind")

    async def close(self) -> None:
        """Keep events out; BrokerUnavailable when the broker does not confirm it."""
        await self._turn("unbind")

    async def _turn(self, what: str) -> None:
        queue = self.subscriber._queue_obj
        if queue is None:
            raise BrokerUnavailable("not consuming yet")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await getattr(queue, what)(EVENTS_EXCHANGE, self.binding)
        except (TimeoutError, OSError, aiormq.exceptions.AMQPError, AMQPException) as error:
            raise BrokerUnavailable(f"cannot {what} {self.subscriber.queue.name}: {error!r}") from error
