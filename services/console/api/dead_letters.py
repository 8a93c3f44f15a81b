"""Dead letters: what rests in the services and why; replay it, or drop it for good."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.console.api.access import ADMIN, READ, WRITE
from services.console.api.bodies import body_of, documented
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.api.paging import PageSize, paged, place_in
from services.console.read_model.dead_letters import cursor_of
from services.console.requests.required_queues import no_queue
from services.console.requests.sender import Answers
from shared.contract.entries import EVERY_SERVICE
from shared.events import Event
from shared.events.base import Id
from shared.events.dead_letters import DeadLetterDropped, DeadLetterReplayed
from shared.events.requests import DeadLetterDropRequested, DeadLetterReplayRequested
from shared.messaging.broker import BrokerUnavailable
from shared.messaging.dead_letters.attending import queue_of
from shared.messaging.topology import dead_queue

PATIENCE = timedelta(seconds=20)
LOOK_SECONDS = 3.0

Outcome = type[DeadLetterReplayed] | type[DeadLetterDropped]

router = APIRouter(tags=["dead letters"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}})


class RestingView(BaseModel):
    """How many messages rest in a service's dead letters, as the broker says; null where it does not answer."""

    service: str
    resting: int | None


class LetterView(BaseModel):
    """A dead letter. `payload` is the beginning of its body without secrets; `queue` is where a replay sends it."""

    service: str
    message_id: str
    queue: str | None
    message_type: str
    reason: str
    payload: str
    size: int
    replays: int
    parked_at: datetime
    post_id: str | None
    account_id: str | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """The view of a row."""
        return cls(**{name: row[name] for name in cls.model_fields if name != "queue"}, queue=row["queue"] or None)


class LetterPage(BaseModel):
    """A page of dead letters, the latest first; `next` is the cursor of the following page, if there is one."""

    services: list[RestingView]
    dead_letters: list[LetterView]
    next: str | None


class LettersSettled(BaseModel):
    """What became of a request for dead letters; `pending` where the service has not finished yet.

    `kept` letters were asked for and rest on: the service no longer has the queue that they came from. `absent` were
    asked for by name and do not rest there. `resting` is how many rest after it.
    """

    service: str
    correlation_id: str
    count: int
    message_ids: list[str]
    kept: int
    absent: list[str]
    resting: int | None
    pending: bool


@router.get("/v1/dead-letters", dependencies=[READ])
async def list_dead_letters(
    console: TheConsole,
    *,
    service: Annotated[list[str], Query(default_factory=list)],
    post_id: Id | None = None,
    cursor: str | None = None,
    limit: PageSize = 50,
) -> LetterPage:
    """Messages that could not be handled, with the reason; nothing is taken by looking."""
    for name in service:
        _require_known(name)
    counted = await asyncio.gather(*(_resting(console, name) for name in service or EVERY_SERVICE))
    rows = await console.queries.dead_letters.resting(service, post_id, place_in(cursor), limit + 1)
    page, following = paged(rows, limit, lambda row: str(cursor_of(row)))
    return LetterPage(services=counted, dead_letters=list(map(LetterView.of, page)), next=following)


@router.post(
    "/v1/dead-letters:replay",
    status_code=202,
    openapi_extra=documented(DeadLetterReplayRequested),
    dependencies=[WRITE],
)
async def replay_dead_letters(
    console: TheConsole,
    request: Annotated[DeadLetterReplayRequested, Depends(body_of(DeadLetterReplayRequested))],
) -> LettersSettled:
    """Send dead letters of a service back to the queues they came from: those named in `message_ids`, else all."""
    return await _settled(console, request, DeadLetterReplayed)


@router.post(
    "/v1/dead-letters:drop", status_code=202, openapi_extra=documented(DeadLetterDropRequested), dependencies=[ADMIN]
)
async def drop_dead_letters(
    console: TheConsole,
    request: Annotated[DeadLetterDropRequested, Depends(body_of(DeadLetterDropRequested))],
) -> LettersSettled:
    """Delete dead letters of a service for good: those named in `message_ids`, else all."""
    return await _settled(console, request, DeadLetterDropped)


async def _settled(
    console: Console, request: DeadLetterReplayRequested | DeadLetterDropRequested, outcome: Outcome
) -> LettersSettled:
    _require_known(request.service)
    queue = queue_of(request.service).name
    if not await console.requests.publisher.has_queue(queue):
        raise no_queue(queue, request)
    answers = await console.requests.send_and_wait(request, _last(outcome), patience=PATIENCE)
    return _view(request.service, request.message_ids or (), answers, answers.of_type(outcome))


def _view(
    service: str, asked: Sequence[str], answers: Answers, facts: Sequence[DeadLetterReplayed | DeadLetterDropped]
) -> LettersSettled:
    settled = list(dict.fromkeys(letter.message_id for fact in facts for letter in fact.letters))
    kept = sum(fact.kept for fact in facts)
    return LettersSettled(
        service=service,
        correlation_id=answers.correlation_id,
        count=sum(fact.count for fact in facts),
        message_ids=settled,
        kept=kept,
        absent=sorted(set(asked) - set(settled)) if answers.is_complete and not kept else [],
        resting=facts[-1].resting if answers.is_complete else None,
        pending=not answers.is_complete,
    )


def _last(outcome: Outcome) -> Callable[[Event], bool]:
    return lambda fact: isinstance(fact, outcome) and fact.is_last


def _require_known(service: str) -> None:
    if service not in EVERY_SERVICE:
        known = ", ".join(EVERY_SERVICE)
        raise Refusal(404, "not_found", f"there is no service {service!r}; there are {known}", field="service")


async def _resting(console: Console, service: str) -> RestingView:
    """What the broker says; what it does not say within some seconds must not keep the list from being shown."""
    if console.broker.trouble:
        return RestingView(service=service, resting=None)
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            figures = await console.requests.publisher.queue_figures(dead_queue(service))
    except (BrokerUnavailable, TimeoutError):
        return RestingView(service=service, resting=None)
    return RestingView(service=service, resting=figures.messages if figures else 0)
