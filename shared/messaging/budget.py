"""A budget of bytes: how much of what was delivered may be held in memory, parsed, at one time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ByteBudget:
    """Lets work begin, in the order it came, while the bodies at work fit the budget; one always may."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def holding(self, size: int) -> AsyncIterator[None]:
        """Hold so many bytes for the length of the block; wait until there is room for them."""
        if self._waiting or not self._has_room_for(size):
            await self._wait(size)
        else:
            self._held += size
        try:
            yield
        finally:
            self._held -= size
            self._let_in()

    async def _wait(self, size: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._held -= size
                self._let_in()
            raise

    def _let_in(self) -> None:
        while self._waiting and self._has_room_for(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._held += size
                turn.set_result(None)

    def _has_room_for(self, size: int) -> bool:
        return self._held == 0 or self._held + size <= self._most
