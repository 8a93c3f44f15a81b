"""Clock: the one source of the present, so that nothing else asks the system for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

LONGEST_NAP = timedelta(seconds=2)
TIMER_ROUNDING = timedelta(milliseconds=0.3)


def loop_time() -> float:
    """Seconds of the running loop, which pass evenly whatever the wall clock shows."""
    return asyncio.get_running_loop().time()


class Clock(Protocol):
    """What tells the time and waits for it."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return once `instant` has been reached, never before."""
        ...

    async def sleep(self, span: timedelta) -> None:
        """Return when so much time has passed, whatever becomes of the wall clock meanwhile."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, instant: datetime) -> None:
        """Return once the wall clock shows `instant`, never before.

        Timers count monotonic time, so none notices that the wall clock was set: sleep in naps and read the clock
        after each. uvloop rounds timers to a millisecond: aim a little early and let the loop turn for the rest.
        """
        while (remaining := instant - self.now()) > timedelta(0):  # noqa: ASYNC110  (time sets no event)
            await asyncio.sleep(_nap(remaining).total_seconds())

    async def sleep(self, span: timedelta) -> None:
        """Return when so much time has passed: timers count monotonic time."""
        await asyncio.sleep(max(span.total_seconds(), 0))


def _nap(remaining: timedelta) -> timedelta:
    """How long to sleep before looking at the clock again."""
    return max(min(remaining - TIMER_ROUNDING, LONGEST_NAP), timedelta(0))
