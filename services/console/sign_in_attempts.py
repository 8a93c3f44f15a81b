"""Attempts to sign in: who was wrong too often waits. Pure; every replica counts for itself."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MOST_FAILURES = 10
WINDOW = timedelta(minutes=5)
MOST_ADDRESSES = 10_000


@dataclass
class SignInAttempts:
    """The latest failures by address."""

    _failures: dict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def wait(self, address: str, now: datetime) -> timedelta:
        """How long this address has to wait before its next attempt; nothing where it may try at once."""
        failures = self._failures.get(address)
        if not failures or len(failures) < MOST_FAILURES:
            return timedelta(0)
        return max(failures[0] + WINDOW - now, timedelta(0))

    def failed(self, address: str, now: datetime) -> None:
        """Remember a failure; what is out of the window is forgotten."""
        if len(self._failures) >= MOST_ADDRESSES:
            self._forget(now)
        failures = self._failures[address]
        failures.append(now)
        while len(failures) > MOST_FAILURES or failures[0] <= now - WINDOW:
            failures.popleft()

    def succeeded(self, address: str) -> None:
        """Who knows the token starts anew."""
        self._failures.pop(address, None)

    def _forget(self, now: datetime) -> None:
        old = [address for address, failures in self._failures.items() if failures[-1] <= now - WINDOW]
        for address in old or list(self._failures)[: MOST_ADDRESSES // 2]:
            del self._failures[address]
