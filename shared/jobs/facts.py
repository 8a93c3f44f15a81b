"""What is told of job runs. No I/O."""

from datetime import timedelta
from typing import Any

from shared.events.maintenance import JobFailed, JobReleased, JobSkipped, JobStarted, JobSucceeded
from shared.events.scheduler import TimerFired
from shared.jobs.runs import Run

DIED = "the process that ran it ended, or lost its database"


def started(service: str, event: TimerFired, run: Run) -> JobStarted:
    """A run begins."""
    return JobStarted(**_of(service, event, run), missed=event.missed)


def ended(
    service: str, event: TimerFired, run: Run, *, error: str | None, duration: timedelta
) -> JobSucceeded | JobFailed:
    """A run ended, well unless there is an error."""
    ending = _of(service, event, run) | {"duration_ms": _milliseconds(duration)}
    return JobSucceeded(**ending) if error is None else JobFailed(**ending, error=error)


def released(service: str, event: TimerFired, run: Run, *, duration: timedelta) -> JobReleased:
    """A run was stopped with its service; its tick runs again."""
    return JobReleased(**_of(service, event, run), duration_ms=_milliseconds(duration))


def died(service: str, run: Run) -> JobFailed:
    """A run of which no more events will come."""
    return JobFailed(job=run.job, run_id=run.run_id, service=service, tick_at=run.tick_at, error=DIED)


def skipped(service: str, event: TimerFired, other: Run) -> JobSkipped:
    """A tick did not run, because another one was at work."""
    reason = f"the run of the tick of {other.tick_at.isoformat()} is still at work"
    return JobSkipped(job=event.timer, tick_at=event.tick_at, reason=reason, service=service, manual=event.manual)


def _of(service: str, event: TimerFired, run: Run) -> dict[str, Any]:
    """What every fact says of a run at work."""
    return {
        "job": run.job,
        "run_id": run.run_id,
        "service": service,
        "tick_at": run.tick_at,
        "manual": event.manual,
        "period_seconds": _period_seconds(event),
    }


def _milliseconds(duration: timedelta) -> float:
    return round(duration / timedelta(milliseconds=1), 3)


def _period_seconds(event: TimerFired) -> float | None:
    """The time to the next tick; a run by hand has none."""
    if event.next_at is None or event.manual:
        return None
    return (event.next_at - event.tick_at).total_seconds()
