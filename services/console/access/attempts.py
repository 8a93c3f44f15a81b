"""Attempts to sign in: an address with too many failures must wait. Pure; every replica counts for itself."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

MOST_FAILURES = 10
MOST_IN_ALL = 200
"""From all addresses together: guessing from many at once gets nowhere either."""
WINDOW = timedelta(minutes=5)
MOST_ADDRESSES = 10_000
_NETWORK = 64
"""Whoever has one IPv6 address has as many as this prefix leaves."""


@dataclass
class SignInAttempts:
    """The latest failures by address and in all, and the addresses from which somebody has signed in."""

    _failures: dict[str, deque[datetime]] = field(default_factory=dict)
    _in_all: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_IN_ALL))
    _known: dict[str, None] = field(default_factory=dict)

    def wait(self, address: str, now: datetime) -> timedelta:
        """How long this address has to wait before its next attempt; nothing where it may try at once.

        When there are too many failures in all, those wait from whose address nobody has ever signed in.
        """
        source = source_of(address)
        own = _until(self._failures.get(source, deque()), MOST_FAILURES, now)
        return own if source in self._known else max(own, _until(self._in_all, MOST_IN_ALL, now))

    def failed(self, address: str, now: datetime) -> None:
        """Remember a failure; what is out of the window is forgotten."""
        if len(self._failures) >= MOST_ADDRESSES:
            self._forget(now)
        self._failures.setdefault(source_of(address), deque(maxlen=MOST_FAILURES)).append(now)
        self._in_all.append(now)

    def succeeded(self, address: str) -> None:
        """Forget the address's failures: whoever is there knows a token."""
        source = source_of(address)
        self._failures.pop(source, None)
        self._known.pop(source, None)
        self._known[source] = None
        if len(self._known) > MOST_ADDRESSES:
            del self._known[next(iter(self._known))]

    def _forget(self, now: datetime) -> None:
        old = [source for source, failures in self._failures.items() if failures[-1] <= now - WINDOW]
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


def _until(failures: deque[datetime], most: int, now: datetime) -> timedelta:
    """How long until fewer than so many are within the window; what is to come had a clock since set back."""
    is_within = len(failures) >= most and now - WINDOW < failures[0] <= now
    return failures[0] + WINDOW - now if is_within else timedelta(0)
