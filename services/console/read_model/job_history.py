"""Job runs in the read model: what became of each tick of a timer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from services.console.tables.reports import job_runs
from shared.database import bulk
from shared.database.engine import Database
from shared.events.maintenance import JobFailed, JobReleased, JobSkipped, JobStarted, JobSucceeded

JobFact = JobStarted | JobSucceeded | JobFailed | JobReleased | JobSkipped

_STATES: dict[type[Any], str] = {
    JobStarted: "running",
    JobSucceeded: "succeeded",
    JobFailed: "failed",
    JobReleased: "released",
    JobSkipped: "skipped",
}
_SHOWN = ("job", "service", "state", "tick_at", "manual", "duration_ms", "error")


@dataclass(frozen=True, slots=True)
class JobRun:
    """A tick of a job and what became of it."""

    job: str
    service: str | None
    state: str
    tick_at: datetime
    manual: bool | None
    duration_ms: float | None
    error: str | None


class JobHistory:
    """What the console knows of job runs. In whatever order news comes, an end is not followed by a start."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._learn = bulk.upsert(job_runs, database.dialect, guard="job_runs.state = 'running'")

    async def learn(self, event: JobFact, now: datetime) -> None:
        """Learn how a run stands."""
        await self._database.write(self._learn, bulk.encode([_row(event, now)]))

    async def latest(self, job: str, limit: int) -> Sequence[JobRun]:
        """The latest runs of a job."""
        c = job_runs.c
        wanted = select(*(c[name] for name in _SHOWN)).where(c.job == job)
        rows = await self._database.rows(wanted.order_by(c.tick_at.desc(), c.run_id.desc()).limit(limit))
        return [JobRun(**row) for row in rows]


def _row(event: JobFact, now: datetime) -> dict[str, Any]:
    told = event.model_dump()
    return {
        "run_id": told.get("run_id") or f"skipped {event.service} {event.job} {event.tick_at}",
        "job": event.job,
        "service": event.service,
        "state": _STATES[type(event)],
        "tick_at": event.tick_at or now,
        "manual": event.manual,
        "duration_ms": told.get("duration_ms"),
        "error": told.get("error") or told.get("reason"),
        "seen_at": now,
    }
