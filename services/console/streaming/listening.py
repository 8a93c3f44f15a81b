"""Listeners: each has a bounded line of what it has not taken yet, so that one that is slow holds up nobody."""

import asyncio
from collections import deque
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
        self._most = most
        self._waiting: deque[ItemT] = deque()
        self._end: Exception | None = None
        self._news = asyncio.Event()

    def offer(self, item: ItemT) -> None:
        """Keep it if it is of interest; a listener that is too far behind gets TooSlow at the end."""
        if self._end is not None or not self._interest(item):
            return
        if len(self._waiting) < self._most:
            self._waiting.append(item)
        else:
            self._end = TooSlow()
        self._news.set()

    def close(self) -> None:
        """Let the listener go."""
        self._end = self._end or Closed()
        self._news.set()

    async def next(self) -> ItemT:
        """The next one; TooSlow or Closed when there will be no more."""
        await self._until_news()
        return self._waiting.popleft()

    async def all_next(self) -> list[ItemT]:
        """All that wait, and at least one; TooSlow or Closed when there will be no more."""
        await self._until_news()
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    async def _until_news(self) -> None:
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
