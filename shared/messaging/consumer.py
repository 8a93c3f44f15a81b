"""Consuming: binds handlers to queues. FastStream connects and attaches."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from faststream.rabbit.message import RabbitMessage
from faststream.rabbit.schemas import QueueType
from faststream.rabbit.subscriber import RabbitSubscriber

from shared.clocks.clock import Clock
from shared.events import Event
from shared.messaging.acknowledging import Acknowledgements
from shared.messaging.broker import Publisher
from shared.messaging.budget import ByteBudget
from shared.messaging.envelope import read, type_of
from shared.messaging.listening import BindingGate
from shared.messaging.settlement import Handler, Refusal, Settlement
from shared.messaging.standby import Standby
from shared.messaging.taking import TAKES
from shared.messaging.topology import EVENTS_EXCHANGE, Queue

MOST_UNHEARD = 10_000
UNBOUNDED = sys.maxsize

Settle = Callable[[AbstractIncomingMessage], Coroutine[Any, Any, None]]
"""Returns when the message is acknowledged, or its channel is gone."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Consumer:
    """Binds handlers to queues and settles each message. `queues` are those that it has subscribed to, by name.

    With a `standby` it takes none while the database is away.
    """

    service: str
    broker: RabbitBroker
    publisher: Publisher
    clock: Clock
    standby: Standby | None = None
    queues: dict[str, Queue] = field(default_factory=dict)
    at_work: set[asyncio.Task[None]] = field(default_factory=set)
    acknowledgements: Acknowledgements = field(default_factory=Acknowledgements)

    async def finish(self) -> None:
        """Return when all work is done, that of channels which have closed meanwhile included."""
        await asyncio.gather(*self.at_work, return_exceptions=True)

    def subscribe(
        self,
        queue: Queue,
        handlers: Mapping[type[Event], Handler],
        *,
        prefetch: int,
        on_unreadable: Refusal | None = None,
        most_bytes: int = UNBOUNDED,
        surplus: bool = False,
    ) -> None:
        """Consume a durable queue. `on_unreadable` may answer bytes that are no event; else they are parked.

        `most_bytes` bounds the bodies at work at one time, which take several times as much when they are parsed.
        With `surplus` it takes only what no other consumer that is attached, in any replica, has room for; FastStream
        attaches them in any order.
        """
        self.queues[queue.name] = queue
        settlement = Settlement(
            service=self.service,
            queue=queue.name,
            handlers=_by_type(handlers),
            publisher=self.publisher,
            clock=self.clock,
            acknowledgements=self.acknowledgements,
            budget=ByteBudget(most_bytes),
            on_unreadable=on_unreadable,
            standby=self.standby,
        )
        behind = _SURPLUS if surplus else {}
        subscriber = self._take(_known_queue(queue.name, queue.arguments | behind), settlement.settle, prefetch, behind)
        if self.standby:
            self.standby.subscribers.append(subscriber)

    def take(self, name: str, settle: Settle, *, prefetch: int) -> None:
        """Consume a durable queue of messages of any kind."""
        self._take(_known_queue(name, {}), settle, prefetch, {})

    def _take(
        self, queue: RabbitQueue, settle: Settle, prefetch: int, consume_args: Mapping[str, Any]
    ) -> RabbitSubscriber:
        subscriber = self.broker.subscriber(
            queue,
            channel=Channel(prefetch_count=prefetch),
            ack_policy=AckPolicy.MANUAL,
            decoder=_undecoded,
            no_reply=True,
            consume_args=dict(consume_args),
        )
        work = _Work(subscriber, settle, self.at_work)
        subscriber(work.settled)
        setattr(subscriber, TAKES, work.take)
        return subscriber

    def listen(self, name: str, handlers: Mapping[type[Event], Handler], *, binding: str) -> None:
        """Receive events in a queue of this process alone: nothing is kept while it does not listen."""
        exchange = RabbitExchange(EVENTS_EXCHANGE, type=ExchangeType.TOPIC, durable=True)
        subscriber = self.broker.subscriber(_own_queue(name, binding), exchange, **_IN_PASSING)
        subscriber(_hearing(_by_type(handlers)))

    def listen_at_times(self, name: str, handlers: Mapping[type[Event], Handler], *, binding: str) -> BindingGate:
        """Like `listen`, but events come only while the gate is open."""
        subscriber = self.broker.subscriber(_own_queue(name, ""), **_IN_PASSING)
        subscriber(_hearing(_by_type(handlers)))
        return BindingGate(subscriber, binding)


@dataclass
class _Work:
    """The work at the messages of one queue, each in a task of its own.

    Messages come straight from the channel (`taking`): FastStream's own way to a handler takes 0.15 ms each, and
    nothing in it is used here. Its lock tells a graceful stop what is still at work.
    """

    subscriber: RabbitSubscriber
    settle: Settle
    at_work: set[asyncio.Task[None]]
    has_begun: bool = False

    def take(self, message: AbstractIncomingMessage) -> None:
        """Begin with it, unless the subscriber has been stopped: then it goes back with the channel."""
        self.has_begun = self.has_begun or self.subscriber.running
        if self.has_begun and not self.subscriber.running:
            return
        lock: Any = self.subscriber.lock
        lock.acquire()
        self._begin(message).add_done_callback(lambda _: lock.release())

    async def settled(self, message: Any) -> None:
        """Return when it is settled: what FastStream calls."""
        await asyncio.shield(self._begin(message))

    def _begin(self, message: AbstractIncomingMessage) -> asyncio.Task[None]:
        """A task of our own: a channel that closes cancels its deliveries, and would cut sends short."""
        work = asyncio.create_task(self.settle(message))
        self.at_work.add(work)
        work.add_done_callback(self.at_work.discard)
        return work


def _by_type(handlers: Mapping[type[Event], Handler]) -> Mapping[str, Handler]:
    return {event_class.type: handler for event_class, handler in handlers.items()}


async def _undecoded(message: RabbitMessage) -> AbstractIncomingMessage:
    return message.raw_message


_SURPLUS = {"x-priority": -1}


def _known_queue(name: str, arguments: dict[str, Any]) -> RabbitQueue:
    """A queue that is there. FastStream has one channel for equal queues: what tells two apart are their arguments."""
    return RabbitQueue(name, QueueType.QUORUM, arguments=_any(arguments), declare=False)


_IN_PASSING: Any = {
    "ack_policy": AckPolicy.ACK_FIRST,
    "decoder": _undecoded,
    "no_reply": True,
}


def _own_queue(name: str, binding: str) -> RabbitQueue:
    """A queue that goes with this process; of what it does not keep up with, the oldest is dropped."""
    limits = _any({"x-max-length": MOST_UNHEARD, "x-overflow": "drop-head"})
    return RabbitQueue(name, routing_key=binding, exclusive=True, auto_delete=True, arguments=limits)


def _hearing(handlers: Mapping[str, Handler]) -> Callable[..., Awaitable[None]]:
    """One FastStream handler for all types, because it tries its handlers one after another, for each message."""

    async def hear(message: Any) -> None:
        handler = handlers.get(type_of(message))
        if handler is None:
            return
        try:
            await handler(read(message))
        except Exception as error:
            log.warning("message_not_heard", type=type_of(message), error=repr(error))

    return hear


def _any(arguments: dict[str, Any]) -> Any:
    """Queue arguments that FastStream's types do not know."""
    return arguments
