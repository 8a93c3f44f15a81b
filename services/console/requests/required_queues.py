"""The queue that a request needs: without it, nobody would ever answer.

The broker would say so by itself (`mandatory`), were it not for the console's own queue, which takes every event.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from shared.events import Event
from shared.messaging.broker import Unroutable


@dataclass(frozen=True)
class RequiredQueues:
    """Looks for the queue that a request needs, each time: a queue that was there may have been deleted since.

    Requests that come at the same time share a look, which begins after each of them has asked.
    """

    queues: Mapping[type[Event], str]
    has_queue: Callable[[str], Awaitable[bool]]
    _under_way: dict[str, asyncio.Task[bool]] = field(default_factory=dict)
    _next: dict[str, asyncio.Task[bool]] = field(default_factory=dict)

    async def ensure_for(self, request: Event) -> None:
        """Raise Unroutable where no queue takes the request."""
        queue = self.queues.get(type(request))
        if queue is not None and not await self._is_there(queue):
            raise no_queue(queue, request)

    async def _is_there(self, queue: str) -> bool:
        look = self._next.get(queue)
        if look is None:
            look = self._next[queue] = asyncio.create_task(self._look(queue, self._under_way.get(queue)))
            look.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(look)

    async def _look(self, queue: str, before: asyncio.Task[bool] | None) -> bool:
        """Look once the look before is over; who asks from then on is too late for this one."""
        if before is not None:
            await asyncio.wait([before])
        self._under_way[queue] = self._next.pop(queue)
        return await self.has_queue(queue)


def no_queue(queue: str, request: Event) -> Unroutable:
    """The request was not sent, because the queue of the service that it is for is not there."""
    service = queue.partition(".")[0]
    return Unroutable(
        f"nothing was sent, for nobody takes {request.type}: the broker has no queue {queue}. Either no {service} "
        f"has run at this broker yet: start one; or the queue was deleted: a running {service} makes it again, "
        "so send the request again in a moment"
    )
