"""Clock: the one source of the present, so that nothing else asks the system for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

LONGEST_NAP = timedelta(seconds=2)


class Clock(Protocol):
    """What tells the time and waits for it."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return once `instant` has been reached, never before."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, instant: datetime) -> None:
        """Return once the wall clock shows `instant`, never before.

        Timers count monotonic time and uvloop rounds them to a millisecond, so one may fire early, and none of them
        notices that the wall clock was set: sleep in naps and read the clock after each.
        """
        while (remaining := instant - self.now()) > timedelta(0):  # noqa: ASYNC110  (time sets no event)
            await asyncio.sleep(min(remaining, LONGEST_NAP).total_seconds())
