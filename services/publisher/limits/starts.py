"""Starts: those that one account has here, each handed to the opened post that is due first when it comes.

A start that is missed costs its room under the limit and nothing else: the posts that are due first have the others,
and the last one waits in line again. Whoever wakes up too late for the start that it was given has the next one.
"""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile

from services.publisher.limits.grants import Start
from services.publisher.limits.pace import Pace
from shared.clocks.clock import Clock

CLOCK_SET_BACK = timedelta(seconds=20)
"""A start that has not come so long after it should have is of a clock that was wrong."""

Rank = tuple[datetime, datetime, int]


@dataclass(slots=True, order=True)
class Runner:
    """A post whose attempt is open, waiting for a start: due first goes first. It is given None where none is left."""

    rank: Rank
    starts: "Starts" = field(compare=False, repr=False)
    given: "asyncio.Future[Start | None]" = field(compare=False, init=False)

    def __post_init__(self) -> None:
        self.wait()

    def wait(self) -> None:
        """Wait for a start, or for another one."""
        self.given = asyncio.get_running_loop().create_future()

    async def begin(self) -> datetime | None:
        """The instant at which it begins, within a start; None where no start is left for it."""
        return await self.starts.beginning(self)

    def may_begin(self, now: datetime) -> bool:
        """Whether it is due, and its sender still waits."""
        return self.rank[0] <= now and not self.given.done()

    def give(self, start: Start | None) -> None:
        """Let it begin, or wait in line again."""
        if not self.given.done():
            self.given.set_result(start)


class Starts:
    """Serves the opened posts of one account; there are never fewer starts than posts that wait for them."""

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self._clock = clock
        self._pace = pace
        self._starts: deque[Start] = deque()
        self._runners: list[Runner] = []
        self._serving: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nobody waits."""
        return not self._runners

    def enter(self, rank: Rank) -> Runner:
        """Wait for a start; `add` one before anything else is awaited."""
        runner = Runner(rank, self)
        insort(self._runners, runner)
        return runner

    async def beginning(self, runner: Runner) -> datetime | None:
        """When it begins; before those that are due later, though it woke up too late for what it was given first."""
        while start := await runner.given:
            now = self._clock.now()
            if now <= start.latest_at:
                return now
            self._pace.began_late(now - start.start_at)
            runner.wait()
            insort(self._runners, runner)
            self._release()
        return None

    def leave(self, runner: Runner) -> None:
        """Wait no longer; a start that was there for it is there for others."""
        if runner in self._runners:
            self._runners.remove(runner)

    def add(self, starts: Sequence[Start]) -> None:
        """Take more starts. They come in order: what is later than the new ones is of a clock that was wrong."""
        if not starts:
            return
        earlier = takewhile(lambda one: one.start_at < starts[0].start_at, self._starts)
        self._starts = deque([*earlier, *starts])
        self._release()
        if self._serving is not None:
            self._serving.cancel()
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while self._starts:
            await self._until(self._starts[0])
            self._give(self._starts.popleft())
            self._release()

    async def _until(self, start: Start) -> None:
        """Wait for it; the pace learns how late we wake up."""
        if (now := self._clock.now()) >= start.start_at:
            return
        try:
            async with asyncio.timeout((start.latest_at + CLOCK_SET_BACK - now).total_seconds()):
                await self._clock.sleep_until(start.start_at)
        except TimeoutError:
            return
        self._pace.began_late(self._clock.now() - start.start_at)

    def _give(self, start: Start) -> None:
        """Hand it to the first post that is due, unless it has been missed."""
        now = self._clock.now()
        first = next((one for one in self._runners if one.may_begin(now)), None)
        if first and start.start_at <= now <= start.latest_at:
            self._runners.remove(first)
            first.give(start)

    def _release(self) -> None:
        """Let the last posts wait in line again for which no start is left."""
        for runner in self._runners[len(self._starts) :]:
            runner.give(None)
        del self._runners[len(self._starts) :]
