"""The feed: events as they pass by, for whoever listens at this moment."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.messaging.envelope import Delivery

MOST_ANSWERS = 25_000
MOST_BEHIND = 2_000

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


class Feed:
    """Hands each event to those who listen."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._askers: dict[str, Listener] = {}
        self._is_closed = False

    async def on_event(self, delivery: Delivery[Any]) -> None:
        """Events as they pass by."""
        asker = self._askers.get(delivery.correlation_id)
        if asker:
            asker.offer(delivery)
        for listener in self._listeners:
            listener.offer(delivery)

    @contextmanager
    def listening(self, interest: Interest) -> Iterator[Listener]:
        """Listen to every event of interest from now on."""
        listener = Listener(interest, MOST_BEHIND)
        self._listeners.add(listener)
        if self._is_closed:
            listener.close()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @contextmanager
    def answers_to(self, correlation_id: str) -> Iterator[Listener]:
        """Listen to what follows from one request."""
        self._askers[correlation_id] = Listener(lambda _: True, MOST_ANSWERS)
        try:
            yield self._askers[correlation_id]
        finally:
            del self._askers[correlation_id]

    def close(self) -> None:
        """Let everyone go, so that the console can stop."""
        self._is_closed = True
        for listener in (*self._listeners, *self._askers.values()):
            listener.close()
