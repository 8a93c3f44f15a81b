"""What the broker has answered: a limit is for its silence, not for all that it is asked.

A hundred queues take a busy machine minutes. Whoever gave up in the midst of them, and began again, would never end.
"""

import asyncio
from typing import Any

from shared.clocks.awake_timeout import AwakeTimeout


class Answers:
    """Counts the broker's answers."""

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        """The broker has answered once more."""
        self.count += 1

    async def end_of(self, work: "asyncio.Future[Any]", *, silence: float) -> bool:
        """Whether the work has come to its end; False after so many seconds without an answer. It goes on then."""
        known = -1
        while not work.done() and self.count > known:
            known = self.count
            try:
                async with AwakeTimeout(silence):
                    await asyncio.wait({work})
            except TimeoutError:
                continue
        return work.done()


def let_go(left_behind: "asyncio.Future[Any]") -> None:
    """Ask for the outcome in which nobody is interested any more."""
    if not left_behind.cancelled():
        left_behind.exception()
