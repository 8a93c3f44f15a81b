"""Consuming: binds handlers to queues. FastStream connects, attaches, and shows in AsyncAPI what is taken."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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

log = structlog.get_logger()


class Taker(Protocol):
    """Settles each message, whatever it is."""

    def begin(self, message: AbstractIncomingMessage) -> asyncio.Task[None]:
        """The task in which the message is settled."""
        ...


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
        settlement = self._settlement(queue.name, handlers, on_unreadable, most_bytes)
        behind = _SURPLUS if surplus else {}
        known_queue = _known_queue(queue.name, queue.arguments | behind)
        subscriber = self._subscriber(known_queue, prefetch, consume_args=behind, include_in_schema=not surplus)
        if self.standby:
            self.standby.subscribers.append(subscriber)
        for event_class, handler in handlers.items():
            subscriber(_documented(settlement.settle, event_class, handler), filter=_has_type(event_class))
        subscriber(settlement.settle)
        _take_directly(subscriber, settlement)

    def _settlement(
        self, queue: str, handlers: Mapping[type[Event], Handler], on_unreadable: Refusal | None, most_bytes: int
    ) -> Settlement:
        return Settlement(
            service=self.service,
            queue=queue,
            handlers=_by_type(handlers),
            publisher=self.publisher,
            clock=self.clock,
            acknowledgements=self.acknowledgements,
            budget=ByteBudget(most_bytes),
            on_unreadable=on_unreadable,
            at_work=self.at_work,
            standby=self.standby,
        )

    def take(self, name: str, taker: Taker, *, prefetch: int) -> None:
        """Consume a durable queue of messages of any kind, which the taker settles itself."""
        subscriber = self._subscriber(_known_queue(name, {}), prefetch, include_in_schema=False)

        async def settle(message: Any) -> None:
            await taker.begin(message)

        subscriber(settle)
        _take_directly(subscriber, taker)

    def _subscriber(self, queue: RabbitQueue, prefetch: int, **options: Any) -> RabbitSubscriber:
        return self.broker.subscriber(
            queue,
            channel=Channel(prefetch_count=prefetch),
            ack_policy=AckPolicy.MANUAL,
            decoder=_undecoded,
            no_reply=True,
            **options,
        )

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
class _Direct:
    """Settles messages as they come from the channel.

    FastStream's own way to a handler (contexts, middlewares, one filter after another) takes 0.15 ms each, and nothing
    in it is used here. Its lock tells a graceful stop what is still at work.
    """

    subscriber: RabbitSubscriber
    taker: Taker
    has_begun: bool = False

    def take(self, message: AbstractIncomingMessage) -> None:
        """Begin with it, unless the subscriber has been stopped: then it goes back with the channel."""
        self.has_begun = self.has_begun or self.subscriber.running
        if self.has_begun and not self.subscriber.running:
            return
        lock: Any = self.subscriber.lock
        lock.acquire()
        self.taker.begin(message).add_done_callback(lambda _: lock.release())


def _take_directly(subscriber: RabbitSubscriber, taker: Taker) -> None:
    setattr(subscriber, TAKES, _Direct(subscriber, taker).take)


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
    "include_in_schema": False,
}


def _own_queue(name: str, binding: str) -> RabbitQueue:
    """A queue that goes with this process; of what it does not keep up with, the oldest is dropped."""
    limits = _any({"x-max-length": MOST_UNHEARD, "x-overflow": "drop-head"})
    return RabbitQueue(name, routing_key=binding, exclusive=True, auto_delete=True, arguments=limits)


def _has_type(event_class: type[Event]) -> Callable[[RabbitMessage], Awaitable[bool]]:
    """A coroutine, because FastStream runs plain functions in a thread: that costs 0.1 ms each and the order."""

    async def has_type(message: RabbitMessage) -> bool:
        return type_of(message.raw_message) == event_class.type

    return has_type


def _hearing(handlers: Mapping[str, Handler]) -> Callable[..., Awaitable[None]]:
    """One FastStream handler for all types, because it tries its handlers one after another, for each message."""

    async def hear(message: Any) -> None:
        """Events as they pass by."""
        handler = handlers.get(type_of(message))
        if handler is None:
            return
        try:
            await handler(read(message))
        except Exception as error:
            log.warning("message_not_heard", type=type_of(message), error=repr(error))

    return hear


def _documented(
    settle: Callable[[Any], Awaitable[None]], event_class: type[Event], handler: Handler
) -> Callable[..., Awaitable[None]]:
    """What FastStream calls for one type of event: its name, words and schema are those of the handler."""

    async def documented(message: Any) -> None:
        await settle(message)

    documented.__name__ = getattr(handler, "__name__", event_class.type)
    documented.__doc__ = handler.__doc__
    documented.__annotations__ = {"message": event_class, "return": None}
    return documented


def _any(arguments: dict[str, Any]) -> Any:
    """Queue arguments that FastStream's types do not know."""
    return arguments
