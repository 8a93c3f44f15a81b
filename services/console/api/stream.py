"""The stream: every event in the order in which the console learned of it, as server-sent events."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import StreamingResponse

from services.console.api.access import READ, still_let_in, while_let_in
from services.console.api.console import Console, TheConsole
from services.console.api.errors import Refusal
from services.console.streaming.broker_watch import BrokerWatch
from services.console.streaming.journal import Entry
from services.console.streaming.listening import Closed, TooSlow
from services.console.streaming.stream import Following, Gone, Interest
from shared.events import EVENTS

KEEP_ALIVE_SECONDS = 15.0
PULSE_SECONDS = 0.5
"""How often a stream on which nothing happens looks whether the broker is there, and whether it may go on."""
_POSTS = ("posts", "accepted", "rejected", "pending")
"""Where a batch, and what is said of it, names its posts."""
_ALIVE = "event: alive\ndata: {}\n\n"
MOST_ID = 2**63 - 1

Told = Callable[[Sequence[Entry]], str]
"""Entries as a stream tells them, never empty."""

router = APIRouter(tags=["events"])

_STREAMS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


async def interest_in(
    type: Annotated[list[str], Query(description="event types; `publish.*` matches all of a kind")] = [],  # noqa: B006
    post_id: str | None = None,
    account_id: str | None = None,
    workspace_id: str | None = None,
) -> Interest:
    """Which entries are of one of these types, and about these things."""
    wanted = {"post_id": post_id, "account_id": account_id, "workspace_id": workspace_id}
    ids = {name: value for name, value in wanted.items() if value is not None}
    for one in type:
        _require_known(one)

    def is_of_interest(entry: Entry) -> bool:
        if type and not any(fnmatchcase(entry.type, one) for one in type):
            return False
        return not ids or any(_is_about(part, ids) for part in _parts(entry.told))

    return is_of_interest


def _require_known(wanted: str) -> None:
    """Refuse a type that no event ever has: whoever listens for it would wait for ever."""
    if any(fnmatchcase(known, wanted) for known in EVENTS):
        return
    near = get_close_matches(wanted, EVENTS, n=1)
    way_out = f"do you mean {near[0]!r}?" if near else "/asyncapi lists all there are"
    raise Refusal(400, "invalid", f"type: no event is called {wanted!r}; {way_out}", field="type")


@router.get("/v1/events", response_class=StreamingResponse, responses=_STREAMS, dependencies=[READ])
async def stream_events(
    console: TheConsole,
    request: Request,
    interest: Annotated[Interest, Depends(interest_in)],
    after: Annotated[int | None, Query(ge=0, le=MOST_ID, description="the id of the last event you have")] = None,
    last_event_id: Annotated[str | None, Header(description="the same, as browsers send it")] = None,
) -> StreamingResponse:
    """Every event from now on, or from the one after the last you have: `event` is its type, `data` has type,
    correlation_id, message_id and data. An event `reset` says that some are not kept any more: ask for what you show.

    An event `state` says that the broker is away, so that no events can come, or that it is back.
    A client that falls far behind gets a last event `dropped` and is disconnected; with its last id it goes on.
    """
    return await streamed(console, request, interest, _heard(last_event_id) if last_event_id else after, _one_by_one)


async def streamed(
    console: Console, request: Request, interest: Interest, after: int | None, told: Told
) -> StreamingResponse:
    """What is of interest as it happens, until whoever asks would not be allowed any more."""
    await console.events.ensure_readable()  # while a failure can still be answered
    let_in = while_let_in(_lines(console, interest, after, told), still_let_in(console, request))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(let_in, media_type="text/event-stream", headers=headers)


async def _lines(console: Console, interest: Interest, after: int | None, told: Told) -> AsyncGenerator[str, None]:
    events, broker = console.events, console.broker
    try:
        async with events.listening(interest, after) as following:
            async for line in _lines_of(following, broker, told):
                yield line
    except Gone:
        async with events.listening(interest) as following:
            yield f"id: {following.last_id}\nevent: reset\ndata: {{}}\n\n"
            async for line in _lines_of(following, broker, told):
                yield line


async def _lines_of(following: Following, broker: BrokerWatch, told: Told) -> AsyncIterator[str]:
    """What is told, and now and then an empty line: a chance to look whether the stream may go on."""
    yield f": listening\nid: {following.last_id}\n{_ALIVE}"
    told_at, was_away = monotonic(), False
    while True:
        is_away = broker.trouble is not None
        if is_away != was_away:
            was_away = is_away
            yield _state(broker.trouble)
        try:
            entries = await following.next(PULSE_SECONDS)
        except TooSlow:
            yield "event: dropped\ndata: {}\n\n"
            return
        except Closed:
            return
        lines = told(entries) if entries else ""
        if not lines and monotonic() - told_at >= KEEP_ALIVE_SECONDS:
            lines = _ALIVE
        if lines:
            told_at = monotonic()
        yield lines


def _one_by_one(entries: Sequence[Entry]) -> str:
    return "".join(map(_lines_for, entries))


def _lines_for(entry: Entry) -> str:
    about = {"type": entry.type, "correlation_id": entry.correlation_id, "message_id": entry.message_id}
    return f'id: {entry.id}\nevent: {entry.type}\ndata: {json.dumps(about)[:-1]}, "data": {entry.data}}}\n\n'


def _state(trouble: str | None) -> str:
    state = {"broker": "connected"} if trouble is None else {"broker": "away", "reason": trouble}
    return f"event: state\ndata: {json.dumps(state)}\n\n"


def _heard(last_event_id: str) -> int:
    """The number of a browser's last event, newer than any in the address; what is no number leads to a reset."""
    return int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < len(str(MOST_ID)) else MOST_ID


def _parts(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The event itself and the posts of a batch, and each of them on every account that it names.

    What a batch asks for may be anything that JSON can say.
    """
    posts = (one for name in _POSTS for one in _listed(told.get(name)))
    for part in (told, *posts):
        if isinstance(part, dict):
            yield part
            yield from ({**part, "account_id": account_id} for account_id in _accounts_of(part))


def _accounts_of(part: dict[str, Any]) -> Iterator[Any]:
    yield from _listed(part.get("account_ids"))
    yield from (one.get("account_id") for one in _listed(part.get("targets")) if isinstance(one, dict))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_about(told: dict[str, Any], ids: dict[str, str]) -> bool:
    return all(told.get(name) == value for name, value in ids.items())
