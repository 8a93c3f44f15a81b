"""Timers: when they tick, and one fired by hand."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.console.api.access import READ, WRITE
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.requests.sender import any_of
from shared.events.base import Name
from shared.events.requests import TimerTriggerRequested
from shared.events.scheduler import TimerFired

router = APIRouter(tags=["timers"], responses={404: {"model": ErrorAnswer}})


class TimerView(BaseModel):
    """A timer; instants in UTC. What is null is not known yet."""

    name: str
    cron: str | None
    zone: str | None
    next_at: datetime | None
    last_tick_at: datetime | None
    last_was_manual: bool | None
    last_missed: int | None


class TimerList(BaseModel):
    """Every timer there is."""

    timers: list[TimerView]


class Triggered(BaseModel):
    """A timer fired by hand; `pending` where the scheduler has not said so yet."""

    timer: str
    tick_at: datetime | None
    correlation_id: str
    pending: bool


@router.get("/v1/timers", dependencies=[READ])
async def list_timers(console: TheConsole) -> TimerList:
    """Every timer, with its next tick and its last."""
    known = await console.queries.timers.known()
    return TimerList(timers=[TimerView.model_validate(timer, from_attributes=True) for timer in known])


class JobRunView(BaseModel):
    """A tick and what became of it: running, succeeded, failed, skipped (the last run was still at work), or released
    (its service stopped; the tick runs again)."""

    job: str
    service: str | None
    state: str
    tick_at: datetime
    manual: bool | None
    duration_ms: float | None
    error: str | None


class JobRunList(BaseModel):
    """The latest runs first."""

    runs: list[JobRunView]


@router.get("/v1/timers/{name}/runs", dependencies=[READ])
async def list_runs(console: TheConsole, name: Name, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> JobRunList:
    """What became of the latest ticks of a timer; empty where nothing reacts to it."""
    await _ensure_known(console, name)
    latest = await console.queries.job_history.latest(name, limit)
    return JobRunList(runs=[JobRunView.model_validate(run, from_attributes=True) for run in latest])


@router.post("/v1/timers/{name}:trigger", status_code=202, dependencies=[WRITE])
async def trigger_timer(console: TheConsole, name: Name) -> Triggered:
    """Fire a timer now; the events of what it sets off carry the answer's `correlation_id`."""
    request = TimerTriggerRequested(timer=name)
    await _ensure_known(console, name)
    answers = await console.requests.send_and_wait(request, any_of(TimerFired))
    fired = answers.of_type(TimerFired)
    return Triggered(
        timer=name,
        tick_at=fired[0].tick_at if fired else None,
        correlation_id=answers.correlation_id,
        pending=not fired,
    )


async def _ensure_known(console: Console, name: str) -> None:
    """Refuse a timer of a name that nobody has heard of, once the scheduler has told of any."""
    names = [timer.name for timer in await console.queries.timers.known()]
    if names and name not in names:
        raise Refusal(404, "not_found", f"there is no timer {name!r}; there are {', '.join(names)}", field="name")
