"""Cancellations that nobody asked for: libraries cancel what waits on a connection that ends.

Whoever waited would end with it as if he had been asked to, without an error and without a word. A loop that ends so
never turns again.
"""

import asyncio
from types import TracebackType


class StrayCancellations:
    """In the block such a cancellation is a ConnectionError; one that this task was asked for stays what it is."""

    __slots__ = ("_asked_before", "_task")

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._asked_before = task, task.cancelling()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError) and self._task.cancelling() <= self._asked_before:
            raise ConnectionError("what it waited for was given up by others") from error
