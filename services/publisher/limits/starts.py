"""Starts: those that one account has here, each handed to the opened post that is due first when it comes.

A start that is missed costs its place under the limit and nothing else: no post loses its attempt, nor its order.
"""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.publisher.limits.grants import Start
from services.publisher.limits.pace import Pace
from shared.clocks.clock import Clock

Rank = tuple[datetime, datetime, int]


@dataclass(frozen=True, slots=True, order=True)
class Runner:
    """A post whose attempt is open, waiting for a start: due first goes first."""

    rank: Rank
    given: "asyncio.Future[Start]" = field(compare=False)

    @property
    def not_before(self) -> datetime:
        return self.rank[0]


class Starts:
    """Serves the opened posts of one account; `on_missing` is told when they have fewer starts than they need."""

    def __init__(self, clock: Clock, pace: Pace, on_missing: Callable[[], None]) -> None:
        self._clock = clock
        self._pace = pace
        self._on_missing = on_missing
        self._starts: deque[Start] = deque()
        self._runners: list[Runner] = []
        self._serving: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nobody waits, and nothing is there to wait for."""
        return not self._runners and self._serving is None

    def missing(self) -> list[datetime]:
        """When the opened posts are due for which there is no start."""
        return [one.not_before for one in self._runners[len(self._starts) :]]

    def enter(self, rank: Rank) -> Runner:
        """Wait for a start."""
        runner = Runner(rank, asyncio.get_running_loop().create_future())
        insort(self._runners, runner)
        return runner

    def leave(self, runner: Runner) -> None:
        """Wait no longer; a start that was there for it is there for others."""
        if runner in self._runners:
            self._runners.remove(runner)

    def add(self, starts: Sequence[Start]) -> None:
        """Take more starts, later than those that are there."""
        self._starts += starts
        if self._serving is None and self._starts:
            self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while self._starts:
            await self._until(self._starts[0])
            self._give(self._starts.popleft())
        self._serving = None
        self._on_missing()

    async def _until(self, start: Start) -> None:
        """Wait for it; the pace learns how late we wake up."""
        if start.start_at > self._clock.now():
            await self._clock.sleep_until(start.start_at)
            self._pace.began_late(self._clock.now() - start.start_at)

    def _give(self, start: Start) -> None:
        """Hand it to the first post that is due, unless it has been missed."""
        now = self._clock.now()
        first = next((one for one in self._runners if one.not_before <= now), None)
        if first and now <= start.latest_at:
            self._runners.remove(first)
            first.given.set_result(start)
