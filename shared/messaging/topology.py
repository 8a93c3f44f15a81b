"""Every exchange and queue of Timeball, declared in one place.

    producers ──> timeball.events (topic) ──> <service>.<queue> ──> handlers
                        ^                          │ refused        │ to try again
                        │                          v                v
    scheduler ──> timeball.delayed            timeball.dead    timeball.retry
                  (headers, by slot)          (direct)         (headers, by tier)
                        │ 64 TTL queues            │                │ TTL queues
                        └─ expired: back           v                └─ expired: back to the queue
                                             <service>.dead             named by the routing key
                                             <service>.parked (a copy, until it is told of)

All queues are durable quorum queues; dead-lettering between them is at-least-once. This is a description, without I/O;
`declaring` carries it out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

EVENTS_EXCHANGE = "timeball.events"
DELAYED_EXCHANGE = "timeball.delayed"
PLUGIN_DELAYED_EXCHANGE = "timeball.delayed.plugin"
DELAYING = "x-delayed-message"
"""The kind of exchange that only a plugin of the broker knows."""
RETRY_EXCHANGE = "timeball.retry"
DEAD_EXCHANGE = "timeball.dead"

SLOTS = 64
DELIVERY_LIMIT = 20
"""Deliveries of one message after which the broker itself parks it: what keeps killing its consumer is poison."""
NO_LIMIT = 2**31 - 1
"""For queues that people only look into. From RabbitMQ 4.0 on, a queue without a limit of its own drops a message after
20 looks; -1 would mean none, but 3.10 refuses it."""

MOST_NOTICES = 20_000
"""Copies of dead letters that nobody has told of yet; where nobody does, the oldest go."""

RETRY_TIERS = tuple(5 << doublings for doublings in range(10))
"""Seconds a message rests in each `<service>.retry.<n>s`: 5, 10, 20 … 2560."""

_WAITS_LONG = frozenset({"publisher", "monitor", "maintenance"})
"""The services that speak to servers on the network, which may ask for long waits."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Queue:
    """A service's queue and the events it gets. A versioned name (`….v2`) arrives too, to be refused with a reason.

    A `single` queue is consumed by one process at a time, however many are attached.
    """

    service: str
    name: str
    bindings: Sequence[str]
    single: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The queue's AMQP arguments; changing them needs a new queue name."""
        alone = {"x-single-active-consumer": True} if self.single else {}
        return _quorum(
            {"x-dead-letter-exchange": DEAD_EXCHANGE, "x-dead-letter-routing-key": dead_queue(self.service)},
            delivery_limit=DELIVERY_LIMIT,
            **alone,
        )


@dataclass(frozen=True)
class Topology:
    """What one service needs on the broker; with `notices` it tells of its dead letters.

    `on_missing` has what is called before a queue of that name is made that is not there.
    """

    service: str
    queues: Sequence[Queue] = ()
    retry_tiers: Sequence[int] = field(default=RETRY_TIERS[:1])
    delay: str | None = None
    notices: bool = False
    on_missing: Mapping[str, Callable[[], None]] = field(default_factory=dict)


def slot_name(slot: int) -> str:
    """The value of the `slot` header, two digits."""
    return f"{slot:02d}"


def slot_queue(slot: str) -> str:
    """`timeball.delay.07`, the queue of a slot of the wheel."""
    return f"timeball.delay.{slot}"


def retry_queue(service: str, tier: int) -> str:
    """`publisher.retry.5s`, the queue where a message rests for that many seconds."""
    return f"{service}.retry.{tier}s"


def tiers_of(service: str) -> Sequence[int]:
    """The tiers that a service has queues for: all, or the shortest alone."""
    return RETRY_TIERS if service in _WAITS_LONG else RETRY_TIERS[:1]


def tier_within(delay: timedelta) -> int:
    """The longest tier that brings a message back before the delay is over; the shortest where none does."""
    return max((tier for tier in RETRY_TIERS if tier <= delay.total_seconds()), default=RETRY_TIERS[0])


def dead_queue(service: str) -> str:
    """`publisher.dead`, where messages rest until a person replays or drops them."""
    return f"{service}.dead"


def notices_queue(service: str) -> str:
    """`publisher.parked`, where a copy of each dead letter waits until it has been told of."""
    return f"{service}.parked"


@dataclass(frozen=True)
class Exchange:
    """An exchange to be declared, durable."""

    name: str
    type: str
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True)
class DeclaredQueue:
    """A queue to be declared, durable, with its bindings: exchange, routing key, arguments."""

    name: str
    arguments: Arguments
    bindings: Sequence[tuple[str, str, Arguments]]


def exchanges(topology: Topology) -> Iterator[Exchange]:
    """Every exchange that a service needs."""
    yield Exchange(EVENTS_EXCHANGE, "topic")
    yield Exchange(RETRY_EXCHANGE, "headers")
    yield Exchange(DEAD_EXCHANGE, "direct")
    if topology.delay == "wheel":
        yield Exchange(DELAYED_EXCHANGE, "headers")
    if topology.delay == "plugin":
        yield Exchange(PLUGIN_DELAYED_EXCHANGE, DELAYING, {"x-delayed-type": "topic"})


def own_queues(topology: Topology) -> Iterator[DeclaredQueue]:
    """The queues that a service consumes, and where its messages rest."""
    yield _dead_letters(topology.service)
    if topology.notices:
        yield _notices(topology.service)
    for tier in topology.retry_tiers:
        yield _retry_tier(topology.service, tier)
    for queue in topology.queues:
        keys = [key for binding in queue.bindings for key in _with_versions(binding)]
        yield DeclaredQueue(queue.name, queue.arguments, [(EVENTS_EXCHANGE, key, {}) for key in keys])


def wheel(topology: Topology) -> Iterator[DeclaredQueue]:
    """The slots of the wheel, where it is used."""
    for slot in map(slot_name, range(SLOTS if topology.delay == "wheel" else 0)):
        arguments = _quorum({"x-dead-letter-exchange": EVENTS_EXCHANGE})
        binding = (DELAYED_EXCHANGE, "", {"x-match": "all", "slot": slot})
        yield DeclaredQueue(slot_queue(slot), arguments, [binding])


def _with_versions(binding: str) -> Sequence[str]:
    return [binding] if "#" in binding else [binding, f"{binding}.*"]


def _dead_letters(service: str) -> DeclaredQueue:
    name = dead_queue(service)
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": NO_LIMIT}
    return DeclaredQueue(name, arguments, [(DEAD_EXCHANGE, name, {})])


def _notices(service: str) -> DeclaredQueue:
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": NO_LIMIT,
        "x-max-length": MOST_NOTICES,
        "x-overflow": "drop-head",
    }
    return DeclaredQueue(notices_queue(service), arguments, [(DEAD_EXCHANGE, dead_queue(service), {})])


def _retry_tier(service: str, tier: int) -> DeclaredQueue:
    name = retry_queue(service, tier)
    arguments = _quorum({"x-dead-letter-exchange": ""}, **{"x-message-ttl": tier * 1000})
    return DeclaredQueue(name, arguments, [(RETRY_EXCHANGE, "", {"x-match": "all", "tier": name})])


def _quorum(dead_letters: Arguments, *, delivery_limit: int = NO_LIMIT, **more: Any) -> dict[str, Any]:
    """A quorum queue that loses nothing between expiry and arrival."""
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": delivery_limit,
        **dead_letters,
        **more,
    }
