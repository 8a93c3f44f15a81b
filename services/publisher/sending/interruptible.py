"""Waiting that ends when the service stops: the message goes back to its queue, for another replica."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from shared.messaging.verdict import HandBack

AnswerT = TypeVar("AnswerT")


class Interruptible:
    """The waits of this process in which nothing is on its way yet."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._waiting: set[asyncio.Task[object]] = set()

    def stop(self) -> None:
        """End every wait, and let no other begin."""
        self._stopping.set()
        for task in self._waiting:
            task.cancel()

    async def wait(self, waiting: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        """Wait for it; HandBack where the service stops first."""
        if self._stopping.is_set():
            waiting.close()
            raise HandBack
        task = asyncio.current_task()
        assert task is not None, "handlers run in tasks"
        self._waiting.add(task)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            task.uncancel()
            raise HandBack from None
        finally:
            self._waiting.discard(task)
