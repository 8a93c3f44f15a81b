"""Consuming: every message ends acknowledged, tried again later, or parked with its reason; decided only here."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from faststream import AckPolicy
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from faststream.rabbit.message import RabbitMessage
from faststream.rabbit.schemas import QueueType
from prometheus_client import Counter

from shared.clock import Clock
from shared.db import is_passing
from shared.events import EVENTS, Event
from shared.messaging.acknowledging import Acknowledgements
from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher
from shared.messaging.budget import ByteBudget
from shared.messaging.dead_letters import failures_of, parked, tried_again
from shared.messaging.ear import Ear
from shared.messaging.envelope import Delivery, Envelope, UnreadableEvent, correlation_of, read, type_of
from shared.messaging.topology import EVENTS_EXCHANGE, RETRY_TIERS, Queue, tier_within
from shared.messaging.verdict import HandBack, Park, TryAgain

MOST_FAILURES = 3
MOVE_AGAIN_SECONDS = 1.0
MOST_UNHEARD = 10_000
UNBOUNDED = sys.maxsize
CONSUMED = Counter("timeball_messages_total", "Messages taken from queues, by what became of them", ["type", "result"])

Handler = Callable[[Delivery[Any]], Awaitable[None]]
Refusal = Callable[[UnreadableEvent, str], Awaitable[bool]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Consumer:
    """Binds handlers to queues and settles each message."""

    service: str
    broker: RabbitBroker
    publisher: Publisher
    clock: Clock
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
        subscriber = self.broker.subscriber(
            _known_queue(queue, surplus=surplus),
            channel=Channel(prefetch_count=prefetch),
            consume_args=_SURPLUS if surplus else {},
            ack_policy=AckPolicy.MANUAL,
            decoder=_undecoded,
            no_reply=True,
            include_in_schema=not surplus,
        )
        settle = Settlement(self, queue.name, on_unreadable, ByteBudget(most_bytes))
        for event_class, handler in handlers.items():
            subscriber(settle.handling(event_class, handler), filter=_has_type(event_class))
        subscriber(settle.unexpected())

    def listen(self, name: str, handlers: Mapping[type[Event], Handler], *, binding: str) -> None:
        """Hear events as they pass, in a queue of this process alone: nothing is kept while nobody listens."""
        exchange = RabbitExchange(EVENTS_EXCHANGE, type=ExchangeType.TOPIC, durable=True)
        subscriber = self.broker.subscriber(_own_queue(name, binding), exchange, **_IN_PASSING)
        subscriber(_hearing({event_class.type: handler for event_class, handler in handlers.items()}))

    def overhear(self, name: str, handlers: Mapping[type[Event], Handler], *, binding: str) -> Ear:
        """Like `listen`, but events come only while the ear is open: for those who listen now and then."""
        subscriber = self.broker.subscriber(_own_queue(name, ""), **_IN_PASSING)
        subscriber(_hearing({event_class.type: handler for event_class, handler in handlers.items()}))
        return Ear(subscriber, binding)


@dataclass(frozen=True)
class Settlement:
    """How the messages of one queue are settled."""

    consumer: Consumer
    queue: str
    on_unreadable: Refusal | None
    budget: ByteBudget

    def handling(self, event_class: type[Event], handler: Handler) -> Callable[..., Awaitable[None]]:
        """A FastStream handler that shows the event's schema in AsyncAPI and settles the message."""

        async def handle(message: Any) -> None:
            await self._settle(message, handler)

        return _documented(handle, event_class, handler)

    def unexpected(self) -> Callable[..., Awaitable[None]]:
        """A FastStream handler for types that no other handler takes."""

        async def refuse_unexpected(message: Any) -> None:
            await self._settle(message, self._no_handler)

        return refuse_unexpected

    async def _no_handler(self, delivery: Delivery[Event]) -> None:
        reason = f"{self.queue} does not take {delivery.event.type!r}"
        raise UnreadableEvent(reason, type=delivery.event.type, body=delivery.event.body())

    async def _settle(self, message: AbstractIncomingMessage, handler: Handler) -> None:
        """Settle it in a task of our own: a channel that closes cancels its deliveries, and would cut sends short."""
        work = asyncio.create_task(self._handle_within_budget(message, handler))
        self.consumer.at_work.add(work)
        work.add_done_callback(self.consumer.at_work.discard)
        await asyncio.shield(work)

    async def _handle_within_budget(self, message: AbstractIncomingMessage, handler: Handler) -> None:
        async with self.budget.holding(len(message.body)):
            await self._handle(message, handler)

    async def _handle(self, message: AbstractIncomingMessage, handler: Handler) -> None:
        try:
            await handler(read(message))
        except HandBack:
            return
        except UnreadableEvent as error:
            await self._refuse(message, error)
        except TryAgain as verdict:
            await self._rest(message, verdict.delay)
        except Park as verdict:
            await self._park(message, verdict.reason)
        except Exception as error:
            await self._after_failure(message, error)
        else:
            await self._acknowledge(message, "handled")

    async def _refuse(self, message: AbstractIncomingMessage, error: UnreadableEvent) -> None:
        try:
            answered = self.on_unreadable is not None and await self.on_unreadable(error, correlation_of(message))
        except Exception as failure:
            await self._after_failure(message, failure)
            return
        if answered:
            await self._acknowledge(message, "rejected")
        else:
            await self._park(message, error.reason)

    async def _after_failure(self, message: AbstractIncomingMessage, error: Exception) -> None:
        passing = is_passing(error) or isinstance(error, BrokerUnavailable)
        if not passing and failures_of(message) + 1 >= MOST_FAILURES:
            log.error("message_failed", queue=self.queue, type=type_of(message), exc_info=error)
            await self._park(message, f"{type(error).__name__}: {error}")
            return
        log.warning("message_tried_again", queue=self.queue, type=type_of(message), error=repr(error), passing=passing)
        failures = failures_of(message) + 1
        again = tried_again(
            message, service=self.consumer.service, queue=self.queue, tier=RETRY_TIERS[0], failures=failures
        )
        await self._move(message, again, "tried_again")

    async def _rest(self, message: AbstractIncomingMessage, delay: timedelta) -> None:
        again = tried_again(message, service=self.consumer.service, queue=self.queue, tier=tier_within(delay))
        await self._move(message, again, "postponed")

    async def _park(self, message: AbstractIncomingMessage, reason: str) -> None:
        log.warning("message_parked", queue=self.queue, type=type_of(message), reason=reason)
        now = self.consumer.clock.now()
        dead = parked(message, service=self.consumer.service, queue=self.queue, reason=reason, now=now)
        await self._move(message, dead, "parked")

    async def _move(self, message: AbstractIncomingMessage, copy: Envelope, result: str) -> None:
        """Publish the copy and acknowledge the original.

        While the broker takes nothing, the original stays in hand: it counts each return against its delivery limit,
        and in a long alarm it would park what nothing is wrong with. It delivers again what a closed channel held.
        """
        while not _is_gone(message):
            try:
                await self.consumer.publisher.publish(Outgoing(copy))
            except BrokerUnavailable as error:
                log.warning("message_kept_in_hand", queue=self.queue, error=str(error))
                await asyncio.sleep(MOVE_AGAIN_SECONDS)
            else:
                await self._acknowledge(message, result)
                return

    async def _acknowledge(self, message: AbstractIncomingMessage, result: str) -> None:
        CONSUMED.labels(_label(message), result).inc()
        await self.consumer.acknowledgements.acknowledge(message)


def _label(message: AbstractIncomingMessage) -> str:
    """The type as a metric's label: producers may invent types without end, and a label is kept for ever."""
    name = type_of(message)
    return name if name in EVENTS else "unknown"


def _is_gone(message: AbstractIncomingMessage) -> bool:
    """Whether the channel that brought the message is closed."""
    try:
        return message.channel.is_closed
    except ChannelInvalidStateError:
        return True


async def _undecoded(message: RabbitMessage) -> AbstractIncomingMessage:
    return message.raw_message


_SURPLUS = {"x-priority": -1}


def _known_queue(queue: Queue, *, surplus: bool) -> RabbitQueue:
    """A queue that is there. FastStream has one channel for equal queues: what tells two apart are their arguments."""
    arguments = queue.arguments | (_SURPLUS if surplus else {})
    return RabbitQueue(queue.name, QueueType.QUORUM, arguments=_any(arguments), declare=False)


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
    function: Callable[..., Awaitable[None]], event_class: type[Event], handler: Handler
) -> Callable[..., Awaitable[None]]:
    function.__name__ = getattr(handler, "__name__", event_class.type)
    function.__doc__ = handler.__doc__
    function.__annotations__ = {"message": event_class, "return": None}
    return function


def _any(arguments: dict[str, Any]) -> Any:
    """Queue arguments that FastStream's types do not know."""
    return arguments
