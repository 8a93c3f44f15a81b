"""What the model broker keeps: messages, queues with their arguments, and the consumers on them."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from tests.simulation.virtual_time import EPOCH, Process


class Owner(Protocol):
    """The broker, as its consumers see it."""

    def is_acknowledgement_lost(self) -> bool:
        """Whether the next acknowledgement gets lost with its connection."""
        ...

    def disconnect(self, process: Process) -> None:
        """Close the process's channels."""
        ...

    def refuse(self, subscription: "Subscription", why: str) -> None:
        """Close the process's channels because of what it did."""
        ...

    def settle(self, subscription: "Subscription", tags: Iterable[int]) -> None:
        """Forget deliveries that are done with."""
        ...


@dataclass(eq=False)
class Message:
    """A message in a queue."""

    body: bytes
    type: str
    routing_key: str
    message_id: str | None
    correlation_id: str | None
    headers: dict[str, Any]
    sent_at: float
    exchange: str = ""
    expires_after: float | None = None
    expires_at: float = 0.0
    deliveries: int = 0

    @property
    def timestamp(self) -> datetime:
        return EPOCH + timedelta(seconds=int(self.sent_at))


@dataclass(eq=False)
class Subscription:
    """A consumer on a queue."""

    queue: "Queue"
    process: Process
    prefetch: int
    priority: int
    ack_first: bool
    handle: Any
    unacked: dict[int, Message] = field(default_factory=dict)
    is_open: bool = True
    is_paused: bool = False
    tags: int = 0
    broker: Owner | None = None
    number: int = 0

    def __hash__(self) -> int:
        """The same in each run: what the services keep in sets would come in the order of addresses."""
        return self.number

    @property
    def is_closed(self) -> bool:
        return not self.is_open

    async def basic_ack(self, tag: int, *, multiple: bool, wait: bool) -> None:
        """Done with it, and with all before it if asked, unless that gets lost."""
        if not self.is_open or self.broker is None:
            raise RuntimeError("the channel is closed")
        if tag not in self.unacked:
            self.broker.refuse(self, f"{tag} is acknowledged, which is not at work")
            return
        if self.broker.is_acknowledgement_lost():
            self.broker.disconnect(self.process)
            return
        self.broker.settle(self, [one for one in self.unacked if one <= tag] if multiple else [tag])

    @property
    def has_room(self) -> bool:
        return self.is_open and not self.is_paused and len(self.unacked) < self.prefetch


@dataclass(eq=False)
class Incoming:
    """A delivery, with what the consumer reads and calls of aio-pika's message."""

    subscription: Subscription
    tag: int
    message: Message

    @property
    def body(self) -> bytes:
        return self.message.body

    @property
    def headers(self) -> dict[str, Any]:
        return self.message.headers

    @property
    def type(self) -> str:
        return self.message.type

    @property
    def message_id(self) -> str | None:
        return self.message.message_id

    @property
    def correlation_id(self) -> str | None:
        return self.message.correlation_id

    @property
    def exchange(self) -> str:
        return self.message.exchange

    @property
    def routing_key(self) -> str:
        return self.message.routing_key

    @property
    def redelivered(self) -> bool:
        return self.message.deliveries > 1

    @property
    def timestamp(self) -> datetime:
        return self.message.timestamp

    @property
    def channel(self) -> Subscription:
        """Whether it `is_closed`."""
        return self.subscription

    @property
    def delivery_tag(self) -> int:
        return self.tag


@dataclass(eq=False)
class Queue:
    """A queue with its AMQP arguments."""

    name: str
    arguments: Mapping[str, Any]
    messages: deque[Message] = field(default_factory=deque)
    is_exclusive: bool = False
    """Whether it goes with its consumer."""
    subscriptions: list[Subscription] = field(default_factory=list)
    is_watched: bool = False
    turn: int = 0

    @property
    def ttl(self) -> float | None:
        given = self.arguments.get("x-message-ttl")
        return given / 1000 if given is not None else None

    def next_subscription(self) -> Subscription | None:
        """Of those with the highest priority that have room, one after another."""
        free = [one for one in self.subscriptions if one.has_room]
        if not free:
            return None
        highest = max(one.priority for one in free)
        best = [one for one in free if one.priority == highest]
        self.turn += 1
        return best[self.turn % len(best)]
