"""The queue that a request needs: without it, nobody would ever answer.

The broker would say so by itself (`mandatory`), were it not for the console's own queue, which takes every event.
"""

from collections.abc import Awaitable, Callable, Mapping

from shared.events import Event
from shared.messaging.broker import Unroutable


class RequiredQueues:
    """Looks for the queue that a request needs, until it has once been there."""

    def __init__(self, queues: Mapping[type[Event], str], has_queue: Callable[[str], Awaitable[bool]]) -> None:
        self._queues = queues
        self._has_queue = has_queue
        self._found: set[str] = set()

    async def ensure_for(self, request: Event) -> None:
        """Raise Unroutable where no queue takes the request."""
        queue = self._queues.get(type(request))
        if queue is None or queue in self._found:
            return
        if not await self._has_queue(queue):
            service = queue.partition(".")[0]
            raise Unroutable(f"nobody takes {request.type}: no {service} has run at this broker yet, start one")
        self._found.add(queue)
