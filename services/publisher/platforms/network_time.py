"""How long a network may keep a post waiting while it is prepared, and for what it is not blamed.

The time is that of the network alone: it stands still while a post waits for its pictures, which we fetch and make to
fit, and it grows with the bytes that are uploaded. So no queue of ours uses up an attempt, or opens a circuit.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from shared.clocks.clock import loop_time

SLOWEST = 250_000
"""Bytes a second: an upload may take as much longer as it takes at this rate (2 Mbit/s)."""
ANSWER_WITHIN = timedelta(seconds=10)


def time_to_carry(size: int) -> timedelta:
    """How much longer than usual a request with so many bytes may take."""
    return timedelta(seconds=size / SLOWEST)


def publish_timeout(size: int) -> timedelta:
    """How long a request that publishes may take when it carries so many bytes of pictures."""
    return ANSWER_WITHIN + time_to_carry(size)


@dataclass(frozen=True, slots=True)
class NetworkTime:
    """The time of one preparation. `count_from` tells who judges the network from when it is to be counted."""

    deadline: asyncio.Timeout
    count_from: Callable[[float | None], None]

    def longer(self, seconds: float) -> None:
        """Give the network so much more for what it is about to be sent."""
        when = self.deadline.when()
        if when is not None and not self.deadline.expired():
            self.deadline.reschedule(when + seconds)
            self.count_from(loop_time() + seconds)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Do not count what happens in the block."""
        when = self.deadline.when()
        if when is None or self.deadline.expired():
            yield
            return
        left = when - loop_time()
        self.deadline.reschedule(None)
        self.count_from(None)
        try:
            yield
        finally:
            self.deadline.reschedule(loop_time() + left)
            self.count_from(loop_time())


_CURRENT: ContextVar[NetworkTime | None] = ContextVar("network_time", default=None)


@asynccontextmanager
async def network_time(most: timedelta, count_from: Callable[[float | None], None]) -> AsyncIterator[None]:
    """Raise TimeoutError where the network takes longer for what is done in the block."""
    async with asyncio.timeout(most.total_seconds()) as deadline:
        token = _CURRENT.set(NetworkTime(deadline, count_from))
        try:
            yield
        finally:
            _CURRENT.reset(token)


@contextmanager
def our_own_time() -> Iterator[None]:
    """What happens in the block is not the network's fault."""
    current = _CURRENT.get()
    if current is None:
        yield
        return
    with current.stopped():
        yield


def about_to_upload(size: int) -> None:
    """The next answer may take as much longer as so many bytes take."""
    if current := _CURRENT.get():
        current.longer(time_to_carry(size).total_seconds())
