"""The stream: every event as it happens, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from services.console.api.console import Console, TheConsole
from services.console.live_events import Closed, Interest, Listener, TooSlow
from shared.messaging.envelope import Delivery

KEEP_ALIVE_SECONDS = 15.0
_SEALED = {"sealed_credentials", "sealed_notify"}

router = APIRouter(tags=["events"])


_STREAMS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.get("/v1/events", response_class=StreamingResponse, responses=_STREAMS)
async def stream_events(
    console: TheConsole,
    type: Annotated[list[str], Query(description="event types; `publish.*` matches all of a kind")] = [],  # noqa: B006
    post_id: str | None = None,
) -> StreamingResponse:
    """Every event from now on: `event` is its type, `data` has type, correlation_id, message_id and data.

    A client that falls far behind gets a last event `dropped` and is disconnected.
    """
    await console.live_events.open()  # while a failure can still be answered
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(console, _interest(type, post_id)), media_type="text/event-stream", headers=headers)


async def _lines(console: Console, interest: Interest) -> AsyncIterator[str]:
    async with console.live_events.listening(interest) as listener:
        yield ": listening\n\n"
        while True:
            try:
                yield await _next_line(listener)
            except TooSlow:
                yield "event: dropped\ndata: {}\n\n"
                return
            except Closed:
                return


async def _next_line(listener: Listener) -> str:
    try:
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            delivery = await listener.next()
    except TimeoutError:
        return "event: alive\ndata: {}\n\n"
    return f"event: {delivery.event.type}\ndata: {_data(delivery)}\n\n"


def _data(delivery: Delivery[Any]) -> str:
    told = delivery.event.model_dump(mode="json", exclude_none=True, exclude=_SEALED)
    event = {"type": delivery.event.type, "correlation_id": delivery.correlation_id, "message_id": delivery.message_id}
    return json.dumps(event | {"data": told}, ensure_ascii=False)


def _interest(types: Sequence[str], post_id: str | None) -> Interest:
    def is_of_interest(delivery: Delivery[Any]) -> bool:
        event = delivery.event
        if types and not any(fnmatchcase(event.type, wanted) for wanted in types):
            return False
        return post_id is None or _mentions(event, post_id)

    return is_of_interest


def _mentions(event: Any, post_id: str) -> bool:
    """Whether the event is about the post, alone or in a batch."""
    if getattr(event, "post_id", None) == post_id:
        return True
    of_batch = (*getattr(event, "accepted", ()), *getattr(event, "rejected", ()))
    return any(post.post_id == post_id for post in of_batch)
