"""Where accounts' posts go, as far as we have learnt, and how many of those at hand go to one and the same place."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

MOST_REMEMBERED = 10_000


class Destinations:
    """An account whose destination is not known yet counts as one of its own."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._at_hand: Counter[str] = Counter()
        self._crowds: Counter[str] = Counter()

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

    def crowd(self, account_id: str) -> int:
        """How many posts at hand go where the account's posts go."""
        return self._crowds[self.of(account_id)]

    @contextmanager
    def holding(self, account_id: str) -> Iterator[None]:
        """Count a post of the account for the length of the block."""
        self._count(account_id, 1)
        try:
            yield
        finally:
            self._count(account_id, -1)

    def _count(self, account_id: str, change: int) -> None:
        _add(self._at_hand, account_id, change)
        _add(self._crowds, self.of(account_id), change)

    def _move(self, account_id: str, destination: str) -> None:
        count = self._at_hand[account_id]
        _add(self._crowds, self.of(account_id), -count)
        _add(self._crowds, destination, count)


def _add(counter: Counter[str], key: str, change: int) -> None:
    counter[key] += change
    if not counter[key]:
        del counter[key]
