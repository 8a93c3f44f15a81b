"""A job that its service cuts off when it stops is told of truly, and run again at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from shared.events.maintenance import JobReleased, JobSkipped, JobStarted
from shared.jobs.jobs import RELEASED_AFTER
from shared.messaging.verdict import HandBack
from shared.process.ending import GRACE_SECONDS
from tests.fakes.clock import FakeClock
from tests.support.jobs import MINUTE, NOON, Work, Worker, done_at_once, tick


@pytest.fixture
async def workers(database_url: str) -> AsyncIterator[tuple[Worker, Worker]]:
    """Two replicas with one clock on one database."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(Worker.on(database_url, FakeClock(NOON)))
        yield one, await stack.enter_async_context(Worker.on(database_url, one.clock))


async def stopped(worker: Worker) -> Work:
    """A run of the tick of noon whose service stopped; its message has gone back."""
    work = Work()
    running = asyncio.create_task(worker.jobs.run(tick(), work))
    await work.begun.wait()
    worker.jobs.stopping.set()
    with pytest.raises(HandBack):
        await running
    return work


async def test_a_job_that_is_cut_off_is_released_and_not_failed(workers: tuple[Worker, Worker]) -> None:
    one, _ = workers

    work = await stopped(one)

    assert work.stopped.is_set()
    assert await one.told_types() == ["job.released", "job.started"]
    assert await one.states() == {NOON: "released"}


async def test_the_next_process_runs_its_tick_at_once(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    await stopped(one)
    again = done_at_once()

    await other.jobs.run(tick(), again)

    told = await one.told()
    (released,) = [event for event in told if isinstance(event, JobReleased)]
    runs = [event.run_id for event in told if isinstance(event, JobStarted)]
    assert again.times == 1
    assert await one.states() == {NOON: "succeeded"}
    assert await one.told_types() == ["job.released", "job.started", "job.started", "job.succeeded"]
    assert released.run_id in runs
    assert len(set(runs)) == 2


async def test_a_released_tick_is_skipped_where_the_next_one_is_at_work(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    await stopped(one)
    later = Work()
    running = asyncio.create_task(other.jobs.run(tick(NOON + 5 * MINUTE), later))
    await later.begun.wait()

    await other.jobs.run(tick(), done_at_once())
    later.may_end.set()
    await running

    assert [event.tick_at for event in await one.told() if isinstance(event, JobSkipped)] == [NOON]
    assert await one.states() == {NOON: "skipped", NOON + 5 * MINUTE: "succeeded"}


async def test_work_that_ends_in_time_is_done_although_the_service_stops(workers: tuple[Worker, Worker]) -> None:
    one, _ = workers
    one.jobs.stopping.set()

    await one.jobs.run(tick(), done_at_once())

    assert await one.told_types() == ["job.started", "job.succeeded"]


def test_jobs_are_released_while_the_service_still_waits_for_them() -> None:
    assert timedelta(seconds=GRACE_SECONDS) > 1.5 * RELEASED_AFTER
