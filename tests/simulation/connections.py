"""A process's two connections to the model broker: the one it publishes on, and the one it consumes on."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from faststream import AckPolicy

from shared.messaging.broker import PUBLISH_TIMEOUT, BrokerUnavailable, Outgoing, Publisher, QueueFigures, Unroutable
from shared.messaging.standby import Standby
from shared.messaging.topology import Topology, exchanges, own_queues, wheel
from tests.simulation.broker import ModelBroker
from tests.simulation.queues import Incoming, Message, Subscription
from tests.simulation.virtual_time import Process

UNBOUNDED = 10**6
A_MOMENT = 0.01


class ModelPublisher(Publisher):
    """What `shared.messaging.broker.Publisher` offers."""

    def __init__(self, broker: ModelBroker, process: Process, **given: Any) -> None:
        super().__init__("amqp://model/", **given)
        self._broker = broker
        self._process = process
        self._is_open = False

    async def connect(self, topology: Topology) -> None:
        await self._broker.until_up()
        for exchange in exchanges(topology):
            self._broker.exchanges.setdefault(exchange.name, exchange.type)
        for queue in (*own_queues(topology), *wheel(topology)):
            self._broker.declare_queue(queue.name, queue.arguments)
            for source, key, arguments in queue.bindings:
                self._broker.bind(queue.name, source, key, arguments)
        self._is_open = True

    @property
    def is_connected(self) -> bool:
        return self._is_open and self._broker.is_up

    async def try_publishing(self) -> None:
        if not self.is_connected:
            raise BrokerUnavailable("not connected")

    async def publish_all(
        self, outgoing: Iterable[Outgoing], *, within: timedelta = PUBLISH_TIMEOUT
    ) -> Sequence[BrokerUnavailable | None]:
        """One after another on one channel, so that they arrive in their order."""
        listed = list(outgoing)
        if not self._is_open:
            return [BrokerUnavailable("not connected")] * len(listed)
        loop, weather = asyncio.get_running_loop(), self._broker.weather
        asked_at = loop.time()
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._broker.until_up()
        except TimeoutError:
            return [BrokerUnavailable("no confirm: the broker is away") for _ in listed]
        await asyncio.sleep(weather.transit_seconds())
        waited = loop.time() - asked_at
        answers = [self._arrive(one, waited) for one in listed]
        await asyncio.sleep(weather.transit_seconds())
        return answers

    def _arrive(self, outgoing: Outgoing, waited: float) -> BrokerUnavailable | None:
        broker = self._broker
        fate = broker.weather.publish_fate() if broker.is_up else "lost"
        if fate == "lost":
            return BrokerUnavailable("no confirm: the connection broke")
        is_taken = broker.route(outgoing.envelope.exchange, _message(outgoing, self._now(), waited))
        if not is_taken and outgoing.mandatory:
            return Unroutable(f"no queue takes {outgoing.envelope.type}")
        return BrokerUnavailable("no confirm: the connection broke") if fate == "unheard" else None

    def _now(self) -> float:
        return self._broker.loop.time()

    async def queue_figures(self, name: str) -> QueueFigures | None:
        queue = self._broker.queues.get(name)
        return QueueFigures(len(queue.messages), len(queue.subscriptions)) if queue else None

    async def close(self) -> None:
        self._is_open = False


def _message(outgoing: Outgoing, sent_at: float, waited: float) -> Message:
    envelope, left = outgoing.envelope, outgoing.expiration_ms
    return Message(
        body=envelope.body,
        type=envelope.type,
        routing_key=envelope.routing_key,
        message_id=envelope.message_id,
        correlation_id=envelope.correlation_id,
        headers=dict(envelope.headers),
        sent_at=sent_at,
        expires_after=None if left is None else max(0.0, left / 1000 - waited),
    )


@dataclass
class Subscriber:
    """What FastStream's broker gives for a queue: its handler is registered by calling it."""

    queue: str
    prefetch: int
    priority: int
    ack_first: bool
    binding: tuple[str, str] | None
    handler: Any = None
    at_work: int = 0

    def __call__(self, handler: Any) -> Any:
        self.handler = handler
        return handler

    async def handle(self, incoming: Incoming) -> None:
        """Let the handler have it."""
        self.at_work += 1
        try:
            await self.handler(incoming)
        finally:
            self.at_work -= 1


@dataclass
class ModelRabbitBroker:
    """The consuming connection, as far as `shared.messaging.consumer` uses FastStream's."""

    broker: ModelBroker
    process: Process
    subscribers: list[Subscriber] = field(default_factory=list)
    is_stopped: bool = False

    def subscriber(
        self,
        queue: Any,
        exchange: Any = None,
        *,
        ack_policy: Any,
        channel: Any = None,
        consume_args: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Subscriber:
        """A subscriber that begins to take messages when the broker is started."""
        subscriber = Subscriber(
            queue=queue.name,
            prefetch=channel.prefetch_count if channel else UNBOUNDED,
            priority=(consume_args or {}).get("x-priority", 0),
            ack_first=ack_policy is AckPolicy.ACK_FIRST,
            binding=(exchange.name, queue.routing_key) if exchange and queue.routing_key else None,
        )
        self.subscribers.append(subscriber)
        return subscriber

    async def start(self) -> None:
        """Consume from now on, and again after every loss of the connection."""
        await self.broker.until_up()
        self.attach()

    def attach(self) -> None:
        """Open the channels anew."""
        for one in self.subscribers:
            if one.binding:
                self.broker.declare_queue(one.queue, {}, exclusive=True)
                self.broker.bind(one.queue, *one.binding, {})
            if one.queue in self.broker.queues:
                queue = self.broker.queues[one.queue]
                self.broker.subscribe(
                    Subscription(queue, self.process, one.prefetch, one.priority, one.ack_first, one.handle)
                )

    async def stop(self) -> None:
        """Take no new messages, and wait for the handlers of those at hand."""
        self.is_stopped = True
        self.broker.pause(self.process)
        while any(one.at_work for one in self.subscribers):  # noqa: ASYNC110  (nothing tells when it is over)
            await asyncio.sleep(A_MOMENT)


@dataclass
class ModelStandby(Standby):
    """Standing by, at the model broker."""

    broker: ModelBroker = field(kw_only=True)
    process: Process = field(kw_only=True)

    async def _detach(self) -> None:
        await asyncio.sleep(self.broker.weather.transit_seconds())
        self.broker.turn(self.process, is_paused=True)

    async def _attach(self) -> None:
        await asyncio.sleep(self.broker.weather.transit_seconds())
        self.broker.turn(self.process, is_paused=False)
