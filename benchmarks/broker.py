"""The benchmarks' end of the broker: emits requests, counts and keeps the facts that come back."""

import asyncio
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from pamqp import commands

from benchmarks import frames
from benchmarks.frames import Delivery
from benchmarks.wire import Wire

EXCHANGE = "timeball.events"
QUEUE = "benchmarks"
FACTS = (
    "account.connected",
    "schedule.accepted",
    "schedule.rejected",
    "schedule.batch_settled",
    "publish.succeeded",
    "publish.retrying",
    "publish.failed",
    "publish.unknown",
    "publish.held",
    "publish.skipped",
)
BATCH_SETTLED = "schedule.batch_settled"
ACCEPTED_MARK = b'"revision"'  # stands once in every accepted entry of a batch, and in no rejected one


class IncompleteError(Exception):
    """Not everything that was asked for came back in time."""


class Fact(NamedTuple):
    """One event as it came, and when (Unix seconds)."""

    at: float
    body: bytes


class Broker:
    """Emits bodies and waits for a number of facts of a type."""

    def __init__(self) -> None:
        self._wire: Wire
        self.counts: Counter[str] = Counter()
        self.settled_posts = 0
        self.last_at: dict[str, float] = {}
        self.facts: dict[str, list[Fact]] = defaultdict(list)
        self._news = asyncio.Event()

    @classmethod
    async def connect(cls, url: str) -> "Broker":
        """Connect, and receive every fact from now on."""
        broker = cls()
        broker._wire = wire = await Wire.connect(url, broker._on_delivery)
        await wire.call(commands.Exchange.Declare(exchange=EXCHANGE, exchange_type="topic", durable=True))
        await wire.call(commands.Queue.Declare(queue=QUEUE, exclusive=True, auto_delete=True))
        for fact in FACTS:
            await wire.call(commands.Queue.Bind(queue=QUEUE, exchange=EXCHANGE, routing_key=fact))
        await wire.call(commands.Basic.Consume(queue=QUEUE, no_ack=True))
        return broker

    def encode(self, event_type: str, body: bytes) -> bytes:
        """The frames of one event, to be emitted later."""
        return frames.publish(EXCHANGE, event_type, body, str(uuid.uuid4()), self._wire.frame_max)

    async def emit(self, event_type: str, body: bytes) -> None:
        """Emit one event."""
        await self._wire.write(self.encode(event_type, body))

    async def emit_windowed(self, messages: Iterable[bytes], answer: str, window: int, within: float) -> None:
        """Emit encoded events with at most `window` unanswered, and return when all have their `answer`."""
        deadline = time.monotonic() + within
        sent, before = 0, self.counts[answer]
        for message in messages:
            await self.wait(answer, before + sent - window + 1, deadline - time.monotonic())
            await self._wire.write(message)
            sent += 1
        await self.wait(answer, before + sent, deadline - time.monotonic())

    async def wait(self, event_type: str, count: int, within: float) -> None:
        """Return when `count` facts of the type have come; raise IncompleteError if they do not."""
        if self.counts[event_type] >= count:
            return
        try:
            async with asyncio.timeout(within):
                while self.counts[event_type] < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise IncompleteError(f"{count} {event_type} expected, came: {dict(self.counts)}") from error

    def forget(self) -> None:
        """Start again: no facts, no counts."""
        self.facts.clear()
        self.counts.clear()
        self.settled_posts = 0

    def close(self) -> None:
        """Drop the connection and its queue."""
        self._wire.close()

    def _on_delivery(self, delivery: Delivery) -> None:
        event_type, body = delivery
        self.counts[event_type] += 1
        self.last_at[event_type] = at = time.time()
        if event_type == BATCH_SETTLED:
            self.settled_posts += body.count(ACCEPTED_MARK)
        else:
            self.facts[event_type].append(Fact(at, body))
        self._news.set()
