"""`/timers`: when each timer ticks, and what became of its latest ticks."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.read_model.job_history import JobRun
from services.console.read_model.timers import KnownTimer
from services.console.web.templating import render

MOST_RUNS = 10

router = APIRouter()


@router.get("/timers", dependencies=[READ])
async def show_timers(console: TheConsole, request: Request) -> Response:
    """Every timer."""
    timers = await console.queries.timers.known()
    runs = {timer.name: await console.queries.job_history.latest(timer.name, MOST_RUNS) for timer in timers}
    last = {timer.name: _run_of(timer, runs[timer.name]) for timer in timers}
    return render(request, "timers.html", timers=timers, runs=runs, last_runs=last)


def _run_of(timer: KnownTimer, runs: Sequence[JobRun]) -> JobRun | None:
    """What became of the timer's last tick, as far as it is known."""
    return next((run for run in runs if run.tick_at == timer.last_tick_at), None)
