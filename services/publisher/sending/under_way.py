"""What is under way in this process: of one revision of a post, one delivery at a time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from services.publisher.domain import Key


class UnderWay:
    """The posts under way, each with the revisions that deliveries here are at."""

    def __init__(self) -> None:
        self._ends: dict[Key, dict[int, asyncio.Event]] = {}

    def end_of(self, key: Key, revision: int) -> asyncio.Event | None:
        """The event that is set when the delivery of this revision ends here; None where none is under way."""
        return self._ends.get(key, {}).get(revision)

    @contextmanager
    def being_at(self, key: Key, revision: int) -> Iterator[None]:
        """Be at a revision of a post for the length of the block."""
        self._ends.setdefault(key, {})[revision] = asyncio.Event()
        try:
            yield
        finally:
            self._ends[key].pop(revision).set()
            if not self._ends[key]:
                del self._ends[key]

    async def until_another_ends(self, key: Key, revision: int, *, seconds: float) -> None:
        """Return when another revision of the post comes to its end here, at the latest after so many seconds."""
        others = [end for other, end in self._ends.get(key, {}).items() if other != revision]
        try:
            async with asyncio.timeout(seconds):
                await (others[0] if others else asyncio.Event()).wait()
        except TimeoutError:
            return
