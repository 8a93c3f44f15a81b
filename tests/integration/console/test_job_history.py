"""What became of each tick, in the read model: the end of a run stays, however late or often the news comes."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.console.read_model.job_history import JobFact, JobRun
from shared.events.maintenance import JobFailed, JobReleased, JobSkipped, JobStarted, JobSucceeded
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
JOB = "monitor.check"
RUN: dict[str, Any] = {"job": JOB, "run_id": "1", "service": "monitor", "tick_at": NOON, "manual": False}
DONE = JobSucceeded(**RUN, duration_ms=1200.0)
FAILED = JobFailed(**RUN, duration_ms=3.0, error="ConnectError: no route")


async def told(read_model: ReadModel, *events: JobFact) -> list[JobRun]:
    """The history when these events have come."""
    for event in events:
        await read_model.projector.on_job_run(Delivery(event, None, "c"))
    return list(await read_model.queries.job_history.latest(JOB, 10))


@pytest.mark.parametrize(
    ("end", "state", "error"),
    [(DONE, "succeeded", None), (FAILED, "failed", "ConnectError: no route"), (JobReleased(**RUN), "released", None)],
)
async def test_the_end_of_a_run_stays_in_whatever_order_and_however_often_it_is_told(
    read_model: ReadModel, end: JobFact, state: str, error: str | None
) -> None:
    for order in permutations((JobStarted(**RUN), end, end)):
        (run,) = await told(read_model, *order)

        assert (run.state, run.error, run.tick_at, run.service) == (state, error, NOON, "monitor")


async def test_a_run_that_has_begun_is_running(read_model: ReadModel) -> None:
    (run,) = await told(read_model, JobStarted(**RUN))

    assert (run.state, run.duration_ms) == ("running", None)


async def test_the_latest_ticks_come_first_with_those_that_were_skipped(read_model: ReadModel) -> None:
    skipped = JobSkipped(job=JOB, tick_at=NOON + timedelta(minutes=5), reason="the last run is still at work")
    another = JobSucceeded(job="digest.send", run_id="2", tick_at=NOON)

    runs = await told(read_model, skipped, DONE, another, skipped)

    assert [(run.state, run.duration_ms, run.error) for run in runs] == [
        ("skipped", None, "the last run is still at work"),
        ("succeeded", 1200.0, None),
    ]
