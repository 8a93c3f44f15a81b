"""`/live`: tells pages that something happened, and of which kinds; what it was they read when they are drawn anew."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.stream import MOST_ID, streamed
from services.console.streaming.journal import Entry
from shared.events.scheduler import PublishRequested

router = APIRouter()


@router.get("/live", dependencies=[READ])
async def stream_happenings(
    console: TheConsole, request: Request, after: Annotated[int | None, Query(ge=0, le=MOST_ID)] = None
) -> StreamingResponse:
    """How many facts of each kind there were, from now on or from the event after this one; else as `/v1/events`."""
    return await streamed(console, request, _is_fact, after, _together)


def _is_fact(entry: Entry) -> bool:
    """A request changes nothing that a page shows; its answer does."""
    return entry.type == PublishRequested.type or not entry.type.endswith("requested")


def _together(entries: Sequence[Entry]) -> str:
    kinds = Counter(entry.type.partition(".")[0] for entry in entries)
    return f"id: {entries[-1].id}\nevent: happened\ndata: {json.dumps(kinds)}\n\n"
