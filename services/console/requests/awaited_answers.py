"""Answers: the events that follow from a request of ours, as they pass by."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Protocol

from services.console.streaming.listening import Listener
from shared.messaging.broker import BrokerUnavailable
from shared.messaging.envelope import Delivery

MOST_ANSWERS = 25_000
IDLE = timedelta(seconds=30)


class Gate(Protocol):
    """Lets events in and keeps them out; either way BrokerUnavailable when the broker does not confirm it."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...


class AwaitedAnswers:
    """Hands each event to whoever waits for it. While nobody does, events are kept out: to read them all is work."""

    def __init__(self, idle: timedelta = IDLE) -> None:
        self._idle = idle
        self._gate: Gate | None = None
        self._turning = asyncio.Lock()
        self._is_open = False
        self._was_used = False
        self._by_request: dict[str, Listener[Delivery[Any]]] = {}

    def attach(self, gate: Gate) -> None:
        """Have this gate let events in and keep them out."""
        self._gate = gate

    @property
    def are_awaited(self) -> bool:
        """Whether somebody waits for one, or did a moment ago."""
        return self._is_open

    async def on_event(self, delivery: Delivery[Any]) -> None:
        """Hand the event to whoever waits for it."""
        listener = self._by_request.get(delivery.correlation_id)
        if listener:
            listener.offer(delivery)

    @asynccontextmanager
    async def answers_to(self, correlation_id: str) -> AsyncIterator[Listener[Delivery[Any]]]:
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
            is_idle = not self._by_request and not self._was_used
            self._was_used = False
            if self._gate and self._is_open and is_idle:
                self._is_open = False  # even if the broker does not answer: to open twice does no harm
                await self._gate.close()

    def close(self) -> None:
        """Let everyone go, so that the console can stop."""
        for listener in self._by_request.values():
            listener.close()
