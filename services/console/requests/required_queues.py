"""The queue that a request needs: without it, nobody would ever answer.

The broker would say so by itself (`mandatory`), were it not for the console's own queue, which takes every event.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from shared.events import Event
from shared.messaging.broker import Unroutable


@dataclass(frozen=True)
class RequiredQueues:
    """Looks for the queue that a request needs, each time: a queue that was there may have been deleted since."""

    queues: Mapping[type[Event], str]
    has_queue: Callable[[str], Awaitable[bool]]

    async def ensure_for(self, request: Event) -> None:
        """Raise Unroutable where no queue takes the request."""
        queue = self.queues.get(type(request))
        if queue is not None and not await self.has_queue(queue):
            raise no_queue(queue, request)


def no_queue(queue: str, request: Event) -> Unroutable:
    """The request was not sent, because the queue of the service that it is for is not there."""
    service = queue.partition(".")[0]
    return Unroutable(
        f"nothing was sent, for nobody takes {request.type}: the broker has no queue {queue}. Either no {service} "
        f"has run at this broker yet: start one; or the queue was deleted: a running {service} makes it again, "
        "so send the request again in a moment"
    )
