"""A test's own place at the broker: it emits requests, hears every fact once, and looks into queues."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection

from shared.events import Event
from shared.messaging.envelope import Envelope
from shared.messaging.topology import EVENTS_EXCHANGE
from tests.support.waiting import PATIENCE

FINAL = ("publish.succeeded", "publish.failed", "publish.unknown", "publish.skipped", "publish.held")
QUEUE = "test.hears.everything"


@dataclass(frozen=True)
class Fact:
    """An event that passed by."""

    type: str
    body: dict[str, Any]
    correlation_id: str | None
    message_id: str | None

    @property
    def post_id(self) -> str | None:
        return self.body.get("post_id")


@dataclass
class Bus:
    """Hears everything from before the first service starts until the test ends, broker restarts included."""

    connection: AbstractRobustConnection
    channel: AbstractRobustChannel
    facts: list[Fact] = field(default_factory=list)
    _seen: set[str | None] = field(default_factory=set)
    _heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> AsyncIterator["Bus"]:
        """Connected until the block ends."""
        connection = await aio_pika.connect_robust(url, reconnect_interval=0.2, heartbeat=20)
        async with connection:
            channel = await connection.channel(publisher_confirms=True)
            assert isinstance(channel, AbstractRobustChannel)
            await channel.set_qos(prefetch_count=500)
            bus = cls(connection, channel)
            exchange = await channel.declare_exchange(EVENTS_EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
            queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
            await queue.bind(exchange, "#")
            await queue.consume(bus._hear)
            yield bus

    async def emit(self, event: Event, *, times: int = 1) -> Envelope:
        """Emit a request, as often as asked under one and the same id."""
        envelope = Envelope.of(event)
        for _ in range(times):
            await self.publish(_message(envelope), event.type)
        return envelope

    async def emit_raw(self, body: bytes, routing_key: str, **properties: Any) -> str:
        """Emit bytes as they are; the id they travel under."""
        message_id = str(uuid4())
        await self.publish(aio_pika.Message(body, message_id=message_id, **properties), routing_key)
        return message_id

    async def publish(self, message: aio_pika.Message, routing_key: str) -> None:
        """Send a message to the events exchange, confirmed."""
        exchange = await self.channel.get_exchange(EVENTS_EXCHANGE, ensure=False)
        await exchange.publish(message, routing_key, timeout=PATIENCE)

    async def fact(self, type_: str | Sequence[str], *, count: int = 1, **fields: Any) -> Fact:
        """The `count`-th fact of this type (or these) with these fields, once it has been heard."""
        wanted = (type_,) if isinstance(type_, str) else type_
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE), self._heard:
                await self._heard.wait_for(lambda: len(self.heard(*wanted, **fields)) >= count)
        found = self.heard(*wanted, **fields)
        assert len(found) >= count, f"within {PATIENCE:g} s no {wanted} {fields}, but {self._told_of(fields)}"
        return found[count - 1]

    async def outcome(self, post_id: str) -> Fact:
        """What became of the post in the end."""
        return await self.fact(FINAL, post_id=post_id)

    def heard(self, *types: str, **fields: Any) -> list[Fact]:
        """The facts heard so far of these types (all, if none is named) with these fields."""
        return [
            fact for fact in self.facts if (not types or fact.type in types) and fields.items() <= fact.body.items()
        ]

    def told_of(self, post_id: str) -> list[str]:
        """What has been said of a post, the requests themselves left out."""
        return [fact.type for fact in self.heard(post_id=post_id) if not fact.type.endswith("requested")]

    def _told_of(self, fields: dict[str, Any]) -> list[str]:
        post_id = fields.get("post_id")
        return [fact.type for fact in self.facts if post_id is None or fact.post_id == post_id]

    async def depth(self, *queues: str) -> int:
        """How many messages are ready in these queues; those that a consumer holds do not count."""
        async with self.connection.channel() as channel:
            declared = [await channel.declare_queue(queue, passive=True) for queue in queues]
            return sum(one.declaration_result.message_count or 0 for one in declared)

    async def resting_in(self, queue: str) -> list[AbstractIncomingMessage]:
        """The messages at rest in a queue, which stay there."""
        found: list[AbstractIncomingMessage] = []
        async with self._looking, self.connection.channel() as channel:
            looked_into = await channel.declare_queue(queue, passive=True)
            while message := await looked_into.get(no_ack=False, fail=False, timeout=PATIENCE):
                found.append(message)
        return found

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        if message.message_id is None or message.message_id not in self._seen:
            self._seen.add(message.message_id)
            self.facts.append(_fact(message))
        await message.ack()
        async with self._heard:
            self._heard.notify_all()


def _fact(message: AbstractIncomingMessage) -> Fact:
    try:
        body = json.loads(message.body)
    except ValueError:
        body = {}
    type_ = message.type or message.routing_key or ""
    return Fact(type_, body if isinstance(body, dict) else {}, message.correlation_id, message.message_id)


def _message(envelope: Envelope) -> aio_pika.Message:
    return aio_pika.Message(
        envelope.body,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        type=envelope.type,
        message_id=envelope.message_id,
        correlation_id=envelope.correlation_id,
        timestamp=datetime.now(UTC),
        app_id="test",
    )
