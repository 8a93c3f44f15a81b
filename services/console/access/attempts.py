"""Wrong tokens: an address from which too many have come must wait. Pure; every replica counts for itself."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

MOST_FAILURES = 10
MOST_IN_ALL = 200
"""From all addresses together: guessing from many at once gets nowhere either."""
WINDOW = timedelta(minutes=5)
MOST_ADDRESSES = 10_000
LONG = 32
"""Characters of a token that nobody guesses. The console's own have 43 at least."""
_NETWORK = 64
"""Whoever has one IPv6 address has as many as this prefix leaves."""


class TooManyAttempts(Exception):
    """Too many wrong tokens have come from an address, or in all: it must wait."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds, self.minutes = -(-wait // timedelta(seconds=1)), -(-wait // timedelta(minutes=1))
        super().__init__(f"wrong tokens came too often from there: wait {self.minutes} min, then try again")


def can_be_guessed(token: str) -> bool:
    """Whether somebody might find it by trying."""
    return len(token) < LONG


@dataclass
class Attempts:
    """The latest failures by address and in all, and the addresses from which somebody has shown a right token."""

    _failures: dict[str, deque[tuple[datetime, int]]] = field(default_factory=dict)
    _in_all: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_IN_ALL))
    _known: dict[str, None] = field(default_factory=dict)

    def wait(self, address: str, now: datetime) -> timedelta:
        """How long this address has to wait before its next attempt; nothing where it may try at once.

        When there are too many failures in all, those wait from whose address nobody has ever come with a right token.
        """
        source = source_of(address)
        own = _until([at for at, _ in self._failures.get(source, ())], MOST_FAILURES, now)
        return own if source in self._known else max(own, _until(self._in_all, MOST_IN_ALL, now))

    def failed(self, address: str, now: datetime, token: str | None = None) -> None:
        """Remember a failure; what is out of the window is forgotten.

        Where the token is given, the same one again is no further guess: a program sends it that nobody has told of a
        new one.
        """
        if len(self._failures) >= MOST_ADDRESSES:
            self._forget(now)
        failures = self._failures.setdefault(source_of(address), deque(maxlen=MOST_FAILURES))
        if token is None or not any(one == hash(token) and now - at < WINDOW for at, one in failures):
            failures.append((now, hash(token)))
            self._in_all.append(now)

    def succeeded(self, address: str) -> None:
        """Whoever is there has shown a right token: guesses from elsewhere do not have them wait."""
        source = source_of(address)
        self._known.pop(source, None)
        self._known[source] = None
        if len(self._known) > MOST_ADDRESSES:
            del self._known[next(iter(self._known))]

    def forgive(self, address: str) -> None:
        """Forget the address's failures: whoever signs in there has found the right token at last."""
        self._failures.pop(source_of(address), None)

    def _forget(self, now: datetime) -> None:
        old = [source for source, failures in self._failures.items() if failures[-1][0] <= now - WINDOW]
        for source in old or list(self._failures)[: MOST_ADDRESSES // 2]:
            del self._failures[source]


def source_of(address: str) -> str:
    """Who stands behind an address: an IPv6 network, else the address itself."""
    try:
        read = ip_address(address)
    except ValueError:
        return address
    if not isinstance(read, IPv6Address):
        return address
    return str(read.ipv4_mapped or ip_network((read, _NETWORK), strict=False))


def _until(failures: Sequence[datetime], most: int, now: datetime) -> timedelta:
    """How long until fewer than so many are within the window; what is to come had a clock since set back."""
    is_within = len(failures) >= most and now - WINDOW < failures[0] <= now
    return failures[0] + WINDOW - now if is_within else timedelta(0)
