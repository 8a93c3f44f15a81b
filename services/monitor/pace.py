"""Pace: never faster than Reddit allows."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clocks.clock import Clock

LONGEST_PAUSE = timedelta(minutes=10)
"""Reddit's windows are ten minutes long."""
A_MINUTE, MOST_A_MINUTE = timedelta(minutes=1), 100


@dataclass
class Pace:
    """How fast to ask: at most 100 times a minute, and as Reddit's own count of what is left allows."""

    clock: Clock
    _asked: deque[datetime] = field(default_factory=deque)
    _closed_until: datetime | None = None

    async def wait(self) -> None:
        """Return when a request may be made, and count it."""
        while closed_until := self._closed_until:
            await self.clock.sleep(min(closed_until - self.clock.now(), LONGEST_PAUSE))
            if self._closed_until == closed_until:
                self._closed_until = None
        self._allow_for_a_clock_set_back()
        if len(self._asked) >= MOST_A_MINUTE:
            await self.clock.sleep(self._asked.popleft() + A_MINUTE - self.clock.now())
        self._asked.append(self.clock.now())

    def _allow_for_a_clock_set_back(self) -> None:
        """What seems to have been asked in the future was asked just now, at the latest."""
        now = self.clock.now()
        if self._asked and self._asked[-1] > now:
            self._asked = deque([now] * len(self._asked))

    def learn(self, headers: Mapping[str, str]) -> None:
        """What Reddit says is left of its window."""
        left, seconds = number_in(headers, "x-ratelimit-remaining"), number_in(headers, "x-ratelimit-reset")
        if left is not None and seconds is not None and left < 1:
            self.close_for(timedelta(seconds=seconds))

    def close_for(self, duration: timedelta) -> None:
        """Ask nothing for so long."""
        self._closed_until = self.clock.now() + min(duration, LONGEST_PAUSE)


def number_in(headers: Mapping[str, str], name: str) -> float | None:
    """The number in a header; None where there is none that anyone means."""
    try:
        value = float(headers[name])
    except (KeyError, ValueError):
        return None
    return value if 0 <= value < 1e6 else None  # noqa: PLR2004
