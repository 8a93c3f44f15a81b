"""A model of RabbitMQ: what is declared with the real topology, delivered at least once, in hardly any order.

Queues hold back for their TTL what expires at their head only, give to the consumers with the highest priority that
have room, deliver again what was not acknowledged, and park what comes back too often.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from shared.messaging.topology import EVENTS_EXCHANGE
from tests.simulation.queues import Incoming, Message, Queue, Subscription
from tests.simulation.virtual_time import Process, VirtualLoop


class BrokerWeather(Protocol):
    """How the broker and the way to it fare."""

    def transit_seconds(self) -> float:
        """How long a message or a confirm is on its way."""
        ...

    def publish_fate(self) -> str:
        """`done`, `lost` (never arrives) or `unheard` (arrives, but its confirm does not)."""
        ...

    def is_acknowledgement_lost(self) -> bool:
        """Whether an acknowledgement gets lost with its connection."""
        ...

    def is_dead_lettered_twice(self) -> bool:
        """Whether an expired message is moved on twice."""
        ...


class Witness(Protocol):
    """Who sees every message as it is routed."""

    def on_message(self, message: "Message", exchange: str) -> None:
        """A message on its way through an exchange."""
        ...


@dataclass(eq=False)
class ModelBroker:
    """All exchanges and queues."""

    loop: VirtualLoop
    weather: BrokerWeather
    witness: Witness
    on_disconnect: Callable[[Process], None] = lambda _: None
    on_done: Callable[[Queue, list[Message]], None] = lambda _queue, _messages: None
    """Called with messages of a queue that have just been acknowledged, and are nowhere any more."""
    on_misuse: Callable[[str], None] = lambda _: None
    is_up: bool = True
    queues: dict[str, Queue] = field(default_factory=dict)
    exchanges: dict[str, str] = field(default_factory=lambda: {"": "default"})
    bindings: dict[str, list[tuple[str, Mapping[str, Any], str]]] = field(default_factory=dict)
    subscriptions: list[Subscription] = field(default_factory=list)
    _subscribed: int = 0
    _known_routes: dict[str, list[str]] = field(default_factory=dict)
    _back: list[asyncio.Future[None]] = field(default_factory=list)
    lost: list[tuple[Queue, list[Message]]] = field(default_factory=list)
    """What channels held that are closed, until the broker notices."""

    # what is declared

    def declare_queue(self, name: str, arguments: Mapping[str, Any], *, exclusive: bool = False) -> None:
        """Declare it; again changes nothing."""
        self.queues.setdefault(name, Queue(name, arguments, is_exclusive=exclusive))

    def _delete(self, queue: Queue) -> None:
        self.queues.pop(queue.name, None)
        for exchange, bindings in self.bindings.items():
            self.bindings[exchange] = [one for one in bindings if one[2] != queue.name]
        self._known_routes.clear()

    def bind(self, queue: str, exchange: str, key: str, arguments: Mapping[str, Any]) -> None:
        """Bind it; again changes nothing."""
        bindings = self.bindings.setdefault(exchange, [])
        if (key, arguments, queue) not in bindings:
            bindings.append((key, arguments, queue))
            self._known_routes.clear()

    # messages

    def route(self, exchange: str, message: Message) -> bool:
        """Put it in every queue that wants it; False where none does."""
        self.witness.on_message(message, exchange)
        names = self._routes(exchange, message)
        for name in names:
            self._enqueue(self.queues[name], replace(message, exchange=exchange, headers=dict(message.headers)))
        return bool(names)

    def _routes(self, exchange: str, message: Message) -> list[str]:
        kind = self.exchanges[exchange]
        if kind == "default":
            return [message.routing_key] if message.routing_key in self.queues else []
        bindings = self.bindings.get(exchange, [])
        if kind == "headers":
            wanted = [{k: v for k, v in arguments.items() if k != "x-match"} for _, arguments, _ in bindings]
            return [
                queue
                for (_, _, queue), headers in zip(bindings, wanted, strict=True)
                if all(message.headers.get(name) == value for name, value in headers.items())
            ]
        if exchange == EVENTS_EXCHANGE:
            key = message.routing_key
            if key not in self._known_routes:
                found = [queue for pattern, _, queue in bindings if _matches(pattern, key)]
                self._known_routes[key] = list(dict.fromkeys(found))
            return self._known_routes[key]
        return [queue for key, _, queue in bindings if key == message.routing_key]

    def _enqueue(self, queue: Queue, message: Message) -> None:
        stays = [seconds for seconds in (queue.ttl, message.expires_after) if seconds is not None]
        message.expires_at = self.loop.time() + min(stays) if stays else 0.0
        queue.messages.append(message)
        if stays:
            self._watch(queue)
        elif queue.subscriptions:
            self._pump(queue)

    def _watch(self, queue: Queue) -> None:
        if not queue.is_watched and queue.messages and queue.messages[0].expires_at:
            queue.is_watched = True
            wait = max(0.0, queue.messages[0].expires_at - self.loop.time())
            self.loop.later(wait + self.weather.transit_seconds(), self._expire, queue)

    def _expire(self, queue: Queue) -> None:
        """Move on what has expired, from the head only."""
        queue.is_watched = False
        if not self.is_up:
            return
        while queue.messages and 0 < queue.messages[0].expires_at <= self.loop.time():
            self._dead_letter(queue, queue.messages.popleft())
        self._watch(queue)

    def _dead_letter(self, queue: Queue, message: Message) -> None:
        exchange = queue.arguments.get("x-dead-letter-exchange")
        if exchange is None:
            return
        key = queue.arguments.get("x-dead-letter-routing-key", message.routing_key)
        moved = replace(message, routing_key=key, expires_after=None, deliveries=0)
        for _ in range(2 if self.weather.is_dead_lettered_twice() else 1):
            self.route(exchange, moved)

    # consumers

    def subscribe(self, subscription: Subscription) -> None:
        """Let a consumer have messages from now on."""
        self._subscribed += 1
        subscription.broker, subscription.number = self, self._subscribed
        subscription.queue.subscriptions.append(subscription)
        self.subscriptions.append(subscription)
        self._pump(subscription.queue)

    def pause(self, process: Process) -> None:
        """Give it nothing more, while what it has can still be acknowledged."""
        for one in self.subscriptions:
            if one.process is process:
                one.prefetch = 0

    def turn(self, process: Process, *, is_paused: bool) -> None:
        """Give it nothing for a while, or messages again."""
        for one in [one for one in self.subscriptions if one.process is process]:
            one.is_paused = is_paused
            self._pump(one.queue)

    def disconnect(self, process: Process, *, noticed_after: float = 0.0) -> None:
        """Close the process's channels; what it has not acknowledged is delivered again."""
        lost = [one for one in self.subscriptions if one.process is process]
        self.subscriptions = [one for one in self.subscriptions if one.process is not process]
        for subscription in lost:
            subscription.is_open = False
            subscription.queue.subscriptions.remove(subscription)
            if subscription.queue.is_exclusive:
                self._delete(subscription.queue)
            unacked, subscription.unacked = list(subscription.unacked.values()), {}
            self.lost.append((subscription.queue, unacked))
            self.loop.later(noticed_after, self._requeue, subscription.queue, unacked)
        self.on_disconnect(process)

    def _requeue(self, queue: Queue, messages: list[Message]) -> None:
        limit = queue.arguments.get("x-delivery-limit")
        self.lost = [one for one in self.lost if one[1] is not messages]
        for message in reversed(messages):
            if limit is not None and message.deliveries > limit:
                self._dead_letter(queue, message)
            else:
                queue.messages.appendleft(message)
        self._pump(queue)

    def _pump(self, queue: Queue) -> None:
        while self.is_up and queue.messages and (subscription := queue.next_subscription()):
            message = queue.messages.popleft()
            subscription.tags += 1
            message.deliveries += 1
            if not subscription.ack_first:
                subscription.unacked[subscription.tags] = message
            incoming = Incoming(subscription, subscription.tags, message)
            self.loop.later(self.weather.transit_seconds(), self._deliver, incoming)

    def _deliver(self, incoming: Incoming) -> None:
        if incoming.subscription.is_open and incoming.subscription.process.is_alive:
            self.loop.start(incoming.subscription.process, incoming.subscription.handle(incoming))

    def is_acknowledgement_lost(self) -> bool:
        """As the weather is."""
        return self.weather.is_acknowledgement_lost()

    def refuse(self, subscription: Subscription, why: str) -> None:
        """Close the process's channels because of what it did."""
        self.on_misuse(f"{subscription.queue.name}: {why}")
        self.disconnect(subscription.process)

    def settle(self, subscription: Subscription, tags: Iterable[int]) -> None:
        """Forget deliveries, which makes room for others."""
        self.on_done(subscription.queue, [subscription.unacked.pop(tag) for tag in tags])
        if subscription.queue.messages:
            self._pump(subscription.queue)

    def kept(self) -> Iterator[tuple[Queue, Message]]:
        """All messages that it has, with the queues in which they wait or from which somebody has them."""
        for queue in self.queues.values():
            yield from ((queue, message) for message in queue.messages)
        for subscription in self.subscriptions:
            yield from ((subscription.queue, message) for message in subscription.unacked.values())
        yield from ((queue, message) for queue, lost in self.lost for message in lost)

    # being away

    def go_away(self) -> None:
        """Stop: all connections break; what it holds it keeps."""
        self.is_up = False
        for process in list(dict.fromkeys(one.process for one in self.subscriptions)):
            self.disconnect(process)

    def come_back(self) -> None:
        """Start again."""
        self.is_up = True
        waiting, self._back = self._back, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
        for queue in self.queues.values():
            self._watch(queue)
            self._pump(queue)

    async def until_up(self) -> None:
        """Wait while it is away."""
        while not self.is_up:
            back: asyncio.Future[None] = self.loop.create_future()
            self._back.append(back)
            await back


def _matches(pattern: str, key: str) -> bool:
    """AMQP's topics: `*` is one word, `#` any number."""
    if pattern in ("#", key):
        return True
    words, given = pattern.split("."), key.split(".")
    return len(words) == len(given) and all(one in ("*", other) for one, other in zip(words, given, strict=True))
