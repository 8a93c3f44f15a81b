"""An alarm: one loop sleeps until an instant, and may be woken before."""

import asyncio
from datetime import datetime, timedelta

from services.publisher.limits.line import NEVER
from shared.clocks.clock import Clock


class Alarm:
    """Wakes one loop; who wakes it while it is at work spares it the next sleep. `rings_at` is what it was set to."""

    def __init__(self, clock: Clock) -> None:
        self.rings_at = NEVER
        self._clock = clock
        self._is_woken = False
        self._sleep: asyncio.Timeout | None = None

    async def sleep_until(self, instant: datetime, *, at_most: timedelta) -> None:
        """Return at the instant by the clock, after so long by the loop's time, or when woken."""
        self.rings_at = instant
        if instant > self._clock.now() and not self._is_woken:
            try:
                async with asyncio.timeout(at_most.total_seconds()) as self._sleep:
                    await self._clock.sleep_until(instant)
            except TimeoutError:
                pass
            finally:
                self._sleep = None
        self._is_woken = False

    def wake(self) -> None:
        """End the sleep, or the next one where nobody sleeps now."""
        if self._sleep is not None and not self._is_woken and not self._sleep.expired():
            self._sleep.reschedule(0)
        self._is_woken = True
