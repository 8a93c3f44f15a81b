"""Queues in which a process listens: they go with it, and hold only what comes while they are bound."""

import asyncio
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import get_exchange_name
from aio_pika.exceptions import AMQPException
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from shared.connections.cancellations import StrayCancellations
from shared.messaging.answers import let_go
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
            with StrayCancellations():
                async with asyncio.timeout(ANSWER_SECONDS):
                    await getattr(queue, what)(EVENTS_EXCHANGE, self.binding)
        except (*LOST, AMQPException) as error:
            raise BrokerUnavailable(f"cannot {what} {self.subscriber.queue.name}: {why_lost(error)}") from error


@dataclass
class Bindings:
    """Keeps each listening queue bound as it is bound: when its exchange is deleted, nobody is told."""

    broker: RabbitBroker
    _binding: asyncio.Task[None] | None = None

    async def make_again(self, *, within: float) -> None:
        """Bind them again. What is not answered in time is waited for the next time."""
        if self._binding is None or self._binding.done():
            self._binding = asyncio.create_task(_bind_again(self.broker))
            self._binding.add_done_callback(let_go)
        done, _ = await asyncio.wait({self._binding}, timeout=within)
        for binding in done:
            binding.result()


async def _bind_again(broker: RabbitBroker) -> None:
    queues: list[Any] = [queue for one in broker.subscribers if (queue := getattr(one, "_queue_obj", None))]
    for queue in queues:
        for (exchange, key), given in tuple(queue._bindings.items()):
            await _bind(queue, get_exchange_name(exchange), key, given)


async def _bind(queue: Any, exchange: str, key: str, given: dict[str, Any]) -> None:
    """On a channel of its own: until the broker answers it sends nothing on this one, as no message of the queue."""
    channel = await (await queue.channel.get_underlay_channel()).connection.channel(publisher_confirms=False)
    try:
        await channel.queue_bind(queue.name, exchange, routing_key=key, **given)
    finally:
        if not channel.is_closed:
            await channel.close()
