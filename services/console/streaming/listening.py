"""Listeners: each has a bounded line of what it has not taken yet, so that one that is slow holds up nobody."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class TooSlow(Exception):
    """The listener fell too far behind and was let go."""


class Closed(Exception):
    """The console is stopping."""


class Listener(Generic[ItemT]):
    """What one listener has not taken yet, up to a bound."""

    def __init__(self, interest: Callable[[ItemT], bool], most: int) -> None:
        self._interest = interest
        self._waiting: asyncio.Queue[ItemT | Exception] = asyncio.Queue(most + 1)
        self._most = most

    def offer(self, item: ItemT) -> None:
        """Keep it if it is of interest; a listener that is too far behind gets TooSlow at the end."""
        if self._waiting.qsize() < self._most and self._interest(item):
            self._waiting.put_nowait(item)
        elif self._waiting.qsize() == self._most:
            self._waiting.put_nowait(TooSlow())

    def close(self) -> None:
        """Let the listener go."""
        if not self._waiting.full():
            self._waiting.put_nowait(Closed())

    async def next(self) -> ItemT:
        """The next one; TooSlow or Closed when there will be no more."""
        waiting = await self._waiting.get()
        if isinstance(waiting, Exception):
            raise waiting
        return waiting
