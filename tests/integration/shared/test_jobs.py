"""Job runs at their database: told of, never overlapping, taken over from the dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from shared.database.errors import Conflict
from shared.events.maintenance import JobFailed, JobSkipped, JobStarted, JobSucceeded
from shared.jobs.runs import Run, Runs
from shared.messaging.verdict import TryAgain
from tests.fakes.clock import FakeClock
from tests.support.jobs import LEASE, MINUTE, NOON, Work, Worker, done_at_once, runs_table, tick
from tests.support.waiting import PATIENCE

HOUR = timedelta(hours=1)


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[Worker]:
    async with Worker.on(database_url, FakeClock(NOON)) as worker:
        yield worker


@pytest.fixture
async def workers(database_url: str) -> AsyncIterator[tuple[Worker, Worker]]:
    """Two replicas with one clock on one database."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(Worker.on(database_url, FakeClock(NOON)))
        yield one, await stack.enter_async_context(Worker.on(database_url, one.clock))


async def left_dead(worker: Worker) -> None:
    """A run of the tick of noon whose runner died."""
    work = Work()
    running = asyncio.create_task(worker.jobs.run(tick(), work))
    await work.begun.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_run_is_told_of_from_its_start_to_its_end(worker: Worker) -> None:
    work = done_at_once()

    await worker.jobs.run(tick(missed=2), work)

    started, succeeded = sorted(await worker.told(), key=lambda event: event.type)
    assert work.times == 1
    assert isinstance(started, JobStarted)
    assert isinstance(succeeded, JobSucceeded)
    assert (started.job, started.service, started.tick_at) == ("monitor.check", "monitor", NOON)
    assert (started.missed, started.manual, started.period_seconds) == (2, False, 300)
    assert succeeded.run_id == started.run_id
    assert succeeded.duration_ms is not None
    assert succeeded.duration_ms >= 0


async def test_work_that_fails_is_told_and_not_repeated(worker: Worker) -> None:
    work = done_at_once(fails_with=RuntimeError("amqp://user:swordfish@host/ said no"))

    await worker.jobs.run(tick(), work)
    await worker.jobs.run(tick(), work)

    failed = [event for event in await worker.told() if isinstance(event, JobFailed)]
    assert work.times == 1
    (error,) = [event.error for event in failed]
    assert error and error.startswith(
        "an error that nobody expected (amqp://***@host/ said no); the log of monitor says more"
    )


async def test_a_tick_delivered_again_after_its_end_does_nothing(worker: Worker) -> None:
    work = done_at_once()

    for _ in range(3):
        await worker.jobs.run(tick(), work)

    assert work.times == 1
    assert await worker.told_types() == ["job.started", "job.succeeded"]


async def test_the_next_tick_runs_after_a_failed_one(worker: Worker) -> None:
    await worker.jobs.run(tick(), done_at_once(fails_with=ValueError("no")))
    await worker.jobs.run(tick(NOON + 5 * MINUTE), done_at_once())

    assert await worker.states() == {NOON: "failed", NOON + 5 * MINUTE: "succeeded"}


async def test_a_tick_during_a_run_is_skipped_and_told_once(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    work, late = Work(), done_at_once()
    running = asyncio.create_task(one.jobs.run(tick(), work))
    await work.begun.wait()

    for _ in range(2):
        await other.jobs.run(tick(NOON + 5 * MINUTE), late)
    work.may_end.set()
    await running

    (skipped,) = [event for event in await one.told() if isinstance(event, JobSkipped)]
    assert late.times == 0
    assert (skipped.job, skipped.tick_at, skipped.service) == ("monitor.check", NOON + 5 * MINUTE, "monitor")
    assert skipped.reason == "the run of the tick of 2027-03-28T12:00:00+00:00 is still at work"
    assert await one.told_types() == ["job.skipped", "job.started", "job.succeeded"]


async def test_other_jobs_run_beside_it(worker: Worker) -> None:
    work = Work()
    running = asyncio.create_task(worker.jobs.run(tick(), work))
    await work.begun.wait()

    await worker.jobs.run(tick(timer="digest.send"), done_at_once())
    work.may_end.set()
    await running

    assert await worker.told_types() == ["job.started", "job.started", "job.succeeded", "job.succeeded"]


async def test_of_many_ticks_at_once_one_runs(workers: tuple[Worker, Worker]) -> None:
    work = Work()
    runs = [workers[number % 2].jobs.run(tick(NOON + number * MINUTE), work) for number in range(6)]
    running = [asyncio.create_task(run) for run in runs]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    while sum(not run.done() for run in running) > 1:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED, timeout=0.05)
    work.may_end.set()
    await asyncio.gather(*running)

    assert work.most_at_once == 1
    assert sorted((await workers[0].states()).values()) == ["skipped"] * 5 + ["succeeded"]


async def test_two_who_saw_nothing_in_their_way_cannot_both_begin(worker: Worker) -> None:
    run = Run("monitor.check", NOON, "r-1", "running", NOON, NOON + LEASE)
    runs = Runs(runs_table)

    async with worker.database.transaction() as connection:
        await runs.add(connection, run)

    for other in (replace(run, run_id="r-2"), replace(run, run_id="r-2", tick_at=NOON + MINUTE)):
        with pytest.raises(Conflict):
            async with worker.database.transaction() as connection:
                await runs.add(connection, other)


async def test_of_one_tick_delivered_twice_at_once_one_runs(workers: tuple[Worker, Worker]) -> None:
    work = Work()
    running = [asyncio.create_task(worker.jobs.run(tick(), work)) for worker in workers]
    done, pending = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    work.may_end.set()
    await asyncio.gather(*pending)

    assert work.times == 1
    assert isinstance(done.pop().exception(), TryAgain), "it looks again whether the other ended well"


async def test_a_dead_runners_tick_is_taken_over_when_it_is_delivered_again(worker: Worker) -> None:
    await left_dead(worker)

    with pytest.raises(TryAgain):
        await worker.jobs.run(tick(), done_at_once())
    worker.clock.advance(LEASE)
    await worker.jobs.run(tick(), done_at_once())

    failed = [event for event in await worker.told() if isinstance(event, JobFailed)]
    assert [event.error for event in failed] == ["the process that ran it ended, or lost its database"]
    assert await worker.told_types() == ["job.failed", "job.started", "job.started", "job.succeeded"]


async def test_a_dead_runners_job_is_taken_over_by_the_next_tick(worker: Worker) -> None:
    await left_dead(worker)
    worker.clock.advance(5 * MINUTE)
    again = done_at_once()

    await worker.jobs.run(tick(NOON + 5 * MINUTE), done_at_once())
    await worker.jobs.run(tick(), again)

    assert again.times == 0
    assert await worker.states() == {NOON: "failed", NOON + 5 * MINUTE: "succeeded"}


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_clock_that_is_set_takes_nothing_from_a_living_run(
    workers: tuple[Worker, Worker], step: timedelta
) -> None:
    one, other = workers
    work, late = Work(), done_at_once()
    running = asyncio.create_task(one.jobs.run(tick(), work))
    await work.begun.wait()

    one.clock.advance(step)
    await other.jobs.run(tick(NOON + 5 * MINUTE), late)
    work.may_end.set()
    await running

    assert late.times == 0
    assert await one.told_types() == ["job.skipped", "job.started", "job.succeeded"]


async def test_a_run_is_renewed_for_as_long_as_it_works(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    work = Work()
    running = asyncio.create_task(one.jobs.run(tick(), work))
    await work.begun.wait()

    for number in range(1, 4):
        one.clock.advance(LEASE)
        await other.jobs.run(tick(NOON + number * MINUTE), done_at_once())
    work.may_end.set()
    await running

    assert sorted((await one.states()).values()) == ["skipped"] * 3 + ["succeeded"]


async def test_who_loses_the_lease_stops_and_says_nothing(worker: Worker) -> None:
    work = Work()
    running = asyncio.create_task(worker.jobs.run(tick(), work))
    await work.begun.wait()

    async with worker.database.transaction() as connection:
        await connection.execute(update(runs_table).values(run_id="somebody else's"))
    await running

    assert work.stopped.is_set()
    assert await worker.told_types() == ["job.started"], "who took it over has told of the rest"


async def test_who_cannot_renew_the_lease_stops_before_it_is_over(postgres_url: str) -> None:
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(Worker.on(postgres_url, FakeClock(NOON)))
        other = await stack.enter_async_context(Worker.on(postgres_url, worker.clock))
        work = Work()
        running = asyncio.create_task(worker.jobs.run(tick(), work))
        await work.begun.wait()

        async with other.database.transaction() as connection:
            await connection.execute(text("LOCK TABLE job_runs IN ACCESS EXCLUSIVE MODE"))
            async with asyncio.timeout(PATIENCE):
                await work.stopped.wait()
        await running

        (failed,) = [event for event in await worker.told() if isinstance(event, JobFailed)]
        assert failed.error == f"stopped: its lease could not be renewed for {LEASE}"


async def test_old_runs_are_forgotten(worker: Worker) -> None:
    await worker.jobs.run(tick(), done_at_once())
    worker.clock.advance(timedelta(days=8))
    later = worker.clock.now()

    await worker.jobs.run(tick(later), done_at_once())

    assert await worker.states() == {later: "succeeded"}


async def test_a_tick_that_ran_while_the_clock_was_days_ahead_runs_when_its_time_has_come(worker: Worker) -> None:
    """Its timer fires it again then."""
    at, work = NOON + 36 * HOUR, done_at_once()
    worker.clock.advance(48 * HOUR)
    await worker.jobs.run(tick(at), work)
    worker.clock.advance(-48 * HOUR)
    await worker.jobs.run(tick(), done_at_once())

    worker.clock.advance(36 * HOUR)
    await worker.jobs.run(tick(at), work)

    assert work.times == 2
