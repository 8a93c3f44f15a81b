"""FakeClock: time that moves only when a test says so."""

import asyncio
from datetime import datetime, timedelta


class FakeClock:
    """A clock standing at `now` until it is advanced."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []
        self._fell_asleep = asyncio.Event()

    def now(self) -> datetime:
        """The instant the test has set."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on and wake whoever is due, the earliest first; they run at the caller's next await."""
        self._now += by
        for instant, sleeper in sorted(self._sleepers, key=lambda entry: entry[0]):
            if instant <= self._now and not sleeper.done():
                sleeper.set_result(None)

    async def sleep_until(self, instant: datetime) -> None:
        """Return once the clock has been advanced to `instant`."""
        while self._now < instant:
            entry = (instant, asyncio.get_running_loop().create_future())
            self._sleepers.append(entry)
            self._fell_asleep.set()
            try:
                await entry[1]
            finally:
                self._sleepers.remove(entry)

    async def sleep(self, span: timedelta) -> None:
        """Return once the clock has been advanced so far."""
        await self.sleep_until(self._now + span)

    @property
    def sleepers(self) -> int:
        """How many tasks wait for this clock."""
        return len(self._sleepers)

    async def until_awaited(self, instant: datetime) -> None:
        """Return once somebody waits for this very instant."""
        while instant not in [awaited for awaited, _ in self._sleepers]:
            self._fell_asleep.clear()
            await self._fell_asleep.wait()

    async def until_asleep(self, sleepers: int = 1) -> None:
        """Return once that many tasks wait for this clock."""
        while len(self._sleepers) < sleepers:
            self._fell_asleep.clear()
            await self._fell_asleep.wait()
