"""Queues in which a process listens: they go with it, and hold only what comes while they are bound."""

import asyncio
from dataclasses import dataclass

from aio_pika.exceptions import AMQPException
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from shared.messaging.broker import BrokerUnavailable
from shared.messaging.kept_connection import LOST
from shared.messaging.refusals import why_lost
from shared.messaging.topology import EVENTS_EXCHANGE

ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class BindingGate:
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
        except (*LOST, AMQPException) as error:
            raise BrokerUnavailable(f"cannot {what} {self.subscriber.queue.name}: {why_lost(error)}") from error


async def bind_again(broker: RabbitBroker) -> None:
    """Bind each listening queue again as it is bound: when its exchange is deleted, nobody is told."""
    for subscriber in broker.subscribers:
        queue = getattr(subscriber, "_queue_obj", None)
        if queue is not None:
            for (exchange, key), given in tuple(queue._bindings.items()):
                await queue.bind(exchange, key, **given)
