"""Where accounts' posts go, as far as we have learnt, and how many of those at hand go to one and the same place."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

MOST_REMEMBERED = 10_000


class Lane(Enum):
    """Which posts are counted: all, or those that the second consumer has."""

    ALL = "all"
    SURPLUS = "surplus"


class Destinations:
    """An account whose destination is not known yet counts as one of its own."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._at_hand: Counter[tuple[Lane, str]] = Counter()
        self._crowds: Counter[tuple[Lane, str]] = Counter()

    def of(self, account_id: str) -> str:
        """Where the account's posts went lately; its id where that is not known."""
        return self._of.get(account_id, account_id)

    def learn(self, account_id: str, destination: str) -> None:
        """Note where a post of the account goes."""
        if self.of(account_id) == destination:
            return
        self._move(account_id, destination)
        self._of[account_id] = destination
        if len(self._of) > MOST_REMEMBERED:
            oldest = next(iter(self._of))
            self._move(oldest, oldest)
            del self._of[oldest]

    def crowd(self, account_id: str, lane: Lane = Lane.ALL) -> int:
        """How many posts at hand go where the account's posts go."""
        return self._crowds[lane, self.of(account_id)]

    @contextmanager
    def holding(self, account_id: str, lane: Lane = Lane.ALL) -> Iterator[None]:
        """Count a post of the account for the length of the block."""
        self._count(lane, account_id, 1)
        try:
            yield
        finally:
            self._count(lane, account_id, -1)

    def _count(self, lane: Lane, account_id: str, change: int) -> None:
        _add(self._at_hand, (lane, account_id), change)
        _add(self._crowds, (lane, self.of(account_id)), change)

    def _move(self, account_id: str, destination: str) -> None:
        for lane in Lane:
            count = self._at_hand[lane, account_id]
            _add(self._crowds, (lane, self.of(account_id)), -count)
            _add(self._crowds, (lane, destination), count)


def _add(counter: Counter[tuple[Lane, str]], key: tuple[Lane, str], change: int) -> None:
    counter[key] += change
    if not counter[key]:
        del counter[key]
