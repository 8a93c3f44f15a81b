"""Live events: as they pass by, for whoever listens at this moment."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Protocol

from shared.messaging.broker import BrokerUnavailable
from shared.messaging.envelope import Delivery

MOST_ANSWERS = 25_000
MOST_BEHIND = 2_000
IDLE = timedelta(seconds=30)

Interest = Callable[[Delivery[Any]], bool]


class TooSlow(Exception):
    """The listener fell too far behind and was let go."""


class Closed(Exception):
    """The console is stopping."""


class Listener:
    """What one listener has not taken yet, up to a bound."""

    def __init__(self, interest: Interest, most: int) -> None:
        self._interest = interest
        self._waiting: asyncio.Queue[Delivery[Any] | Exception] = asyncio.Queue(most + 1)
        self._most = most

    def offer(self, delivery: Delivery[Any]) -> None:
        """Keep the event if it is of interest; a listener that is too far behind gets TooSlow at the end."""
        if self._waiting.qsize() < self._most and self._interest(delivery):
            self._waiting.put_nowait(delivery)
        elif self._waiting.qsize() == self._most:
            self._waiting.put_nowait(TooSlow())

    def close(self) -> None:
        """Let the listener go."""
        if not self._waiting.full():
            self._waiting.put_nowait(Closed())

    async def next(self) -> Delivery[Any]:
        """The next event; TooSlow or Closed when there will be no more."""
        waiting = await self._waiting.get()
        if isinstance(waiting, Exception):
            raise waiting
        return waiting


class Gate(Protocol):
    """Lets events in and keeps them out; either way BrokerUnavailable when the broker does not confirm it."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...


class LiveEvents:
    """Hands each event to those who listen. While nobody does, events are kept out: to read them all is work."""

    def __init__(self, idle: timedelta = IDLE) -> None:
        self._idle = idle
        self._gate: Gate | None = None
        self._turning = asyncio.Lock()
        self._is_open = False
        self._was_used = False
        self._listeners: set[Listener] = set()
        self._by_request: dict[str, Listener] = {}

    def attach(self, gate: Gate) -> None:
        """Have this gate let events in and keep them out."""
        self._gate = gate

    async def on_event(self, delivery: Delivery[Any]) -> None:
        """Hand the event to everyone whom it is for."""
        listener = self._by_request.get(delivery.correlation_id)
        if listener:
            listener.offer(delivery)
        for listener in self._listeners:
            listener.offer(delivery)

    @asynccontextmanager
    async def listening(self, interest: Interest) -> AsyncIterator[Listener]:
        """Listen to every event of interest from now on."""
        listener = Listener(interest, MOST_BEHIND)
        self._listeners.add(listener)
        try:
            await self.open()
            yield listener
        finally:
            self._listeners.discard(listener)

    @asynccontextmanager
    async def answers_to(self, correlation_id: str) -> AsyncIterator[Listener]:
        """Listen to what follows from one request."""
        self._by_request[correlation_id] = Listener(lambda _: True, MOST_ANSWERS)
        try:
            await self.open()
            yield self._by_request[correlation_id]
        finally:
            del self._by_request[correlation_id]

    async def open(self) -> None:
        """Let events in; BrokerUnavailable where the broker does not confirm it."""
        self._was_used = True
        async with self._turning:
            if self._gate and not self._is_open:
                await self._gate.open()
                self._is_open = True

    async def close_when_unused(self) -> None:
        """For ever: close the gate once nobody has listened for a while."""
        while True:
            await asyncio.sleep(self._idle.total_seconds())
            with suppress(BrokerUnavailable):
                await self._close_if_idle()

    async def _close_if_idle(self) -> None:
        async with self._turning:
            is_idle = not self._listeners and not self._by_request and not self._was_used
            self._was_used = False
            if self._gate and self._is_open and is_idle:
                self._is_open = False  # even if the broker does not answer: to open twice does no harm
                await self._gate.close()

    def close(self) -> None:
        """Let everyone go, so that the console can stop."""
        for listener in (*self._listeners, *self._by_request.values()):
            listener.close()
