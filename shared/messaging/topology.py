"""Every exchange and queue of Timeball, declared in one place.

    producers ──> timeball.events (topic) ──> <service>.<queue> ──> handlers
                        ^                          │ refused        │ to try again
                        │                          v                v
    scheduler ──> timeball.delayed            timeball.dead    timeball.retry
                  (headers, by slot)          (direct)         (headers, by tier)
                        │ 64 TTL queues            │                │ TTL queues
                        └─ expired: back           v                └─ expired: back to the queue
                                             <service>.dead             named by the routing key

All queues are durable quorum queues; dead-lettering between them is at-least-once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

EVENTS_EXCHANGE = "timeball.events"
DELAYED_EXCHANGE = "timeball.delayed"
PLUGIN_DELAYED_EXCHANGE = "timeball.delayed.plugin"
RETRY_EXCHANGE = "timeball.retry"
DEAD_EXCHANGE = "timeball.dead"

SLOTS = 64
DELIVERY_LIMIT = 20
"""Deliveries of one message after which the broker itself parks it: what keeps killing its consumer is poison."""

RETRY_TIERS = tuple(5 << doublings for doublings in range(10))
"""Seconds a message rests in each `<service>.retry.<n>s`: 5, 10, 20 … 2560."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Queue:
    """A service's queue and the events it gets. A versioned name (`….v2`) arrives too, to be refused with a reason."""

    service: str
    name: str
    bindings: Sequence[str]

    @property
    def arguments(self) -> dict[str, Any]:
        """The queue's AMQP arguments; changing them needs a new queue name."""
        return _quorum(
            {"x-dead-letter-exchange": DEAD_EXCHANGE, "x-dead-letter-routing-key": dead_queue(self.service)},
            **{"x-delivery-limit": DELIVERY_LIMIT},
        )


@dataclass(frozen=True)
class Topology:
    """What one service needs on the broker."""

    service: str
    queues: Sequence[Queue] = ()
    retry_tiers: Sequence[int] = field(default=RETRY_TIERS[:1])
    delay: str | None = None


def slot_name(slot: int) -> str:
    """The value of the `slot` header, two digits."""
    return f"{slot:02d}"


def retry_queue(service: str, tier: int) -> str:
    """`publisher.retry.5s`, the queue where a message rests for that many seconds."""
    return f"{service}.retry.{tier}s"


def tier_within(delay: timedelta) -> int:
    """The longest tier that brings a message back before the delay is over; the shortest where none does."""
    return max((tier for tier in RETRY_TIERS if tier <= delay.total_seconds()), default=RETRY_TIERS[0])


def dead_queue(service: str) -> str:
    """`publisher.dead`, where messages rest until a person replays or drops them."""
    return f"{service}.dead"


async def declare(channel: AbstractChannel, topology: Topology) -> None:
    """Declare all of it; declaring again changes nothing."""
    await channel.declare_exchange(EVENTS_EXCHANGE, ExchangeType.TOPIC, durable=True)
    await channel.declare_exchange(RETRY_EXCHANGE, ExchangeType.HEADERS, durable=True)
    await channel.declare_exchange(DEAD_EXCHANGE, ExchangeType.DIRECT, durable=True)
    await _declare_dead_letters(channel, topology.service)
    for tier in topology.retry_tiers:
        await _declare_retry_tier(channel, topology.service, tier)
    for queue in topology.queues:
        await _declare_queue(channel, queue)
    if topology.delay == "wheel":
        await _declare_wheel(channel)
    if topology.delay == "plugin":
        await _declare_plugin_exchange(channel)


async def _declare_dead_letters(channel: AbstractChannel, service: str) -> None:
    name = dead_queue(service)
    queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(DEAD_EXCHANGE, name)


async def _declare_retry_tier(channel: AbstractChannel, service: str, tier: int) -> None:
    name = retry_queue(service, tier)
    arguments = _quorum({"x-dead-letter-exchange": ""}, **{"x-message-ttl": tier * 1000})
    queue = await channel.declare_queue(name, durable=True, arguments=arguments)
    await queue.bind(RETRY_EXCHANGE, arguments={"x-match": "all", "tier": name})


async def _declare_queue(channel: AbstractChannel, queue: Queue) -> None:
    declared = await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments)
    for binding in queue.bindings:
        await declared.bind(EVENTS_EXCHANGE, binding)
        if "#" not in binding:
            await declared.bind(EVENTS_EXCHANGE, f"{binding}.*")


async def _declare_wheel(channel: AbstractChannel) -> None:
    await channel.declare_exchange(DELAYED_EXCHANGE, ExchangeType.HEADERS, durable=True)
    for slot in map(slot_name, range(SLOTS)):
        arguments = _quorum({"x-dead-letter-exchange": EVENTS_EXCHANGE})
        queue = await channel.declare_queue(f"timeball.delay.{slot}", durable=True, arguments=arguments)
        await queue.bind(DELAYED_EXCHANGE, arguments={"x-match": "all", "slot": slot})


async def _declare_plugin_exchange(channel: AbstractChannel) -> None:
    exchange = await channel.declare_exchange(
        PLUGIN_DELAYED_EXCHANGE, "x-delayed-message", durable=True, arguments={"x-delayed-type": "topic"}
    )
    events = await channel.get_exchange(EVENTS_EXCHANGE, ensure=False)
    await events.bind(exchange, "#")


def _quorum(dead_letters: Arguments, **more: Any) -> dict[str, Any]:
    """A quorum queue that loses nothing between expiry and arrival."""
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        **dead_letters,
        **more,
    }
