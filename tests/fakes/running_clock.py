"""RunningClock: the machine's own time, which a test may put forward."""

import asyncio
from datetime import datetime, timedelta

from shared.clocks.clock import SystemClock


class RunningClock:
    """Runs as the system's clock does, ahead of it by as much as it was put forward."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._ahead = timedelta(0)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """The present instant, as far ahead as a test has put it."""
        return self._system.now() + self._ahead

    def put_forward(self, by: timedelta) -> None:
        """Go on at once to an instant that much later, and wake whoever is due by then."""
        self._ahead += max(by, timedelta(0))
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, instant: datetime) -> None:
        """Return once this clock shows `instant`."""
        while (remaining := instant - self.now()) > timedelta(0):
            try:
                async with asyncio.timeout(remaining.total_seconds()):
                    await self._moved.wait()
            except TimeoutError:
                continue

    async def sleep(self, span: timedelta) -> None:
        """Return when so much time has passed, that by which it was put forward included."""
        await self.sleep_until(self.now() + span)
