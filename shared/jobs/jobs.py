"""Running jobs: begin under a lease, work while it holds, tell how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import structlog
from prometheus_client import Counter
from sqlalchemy import Table

from shared.clocks.clock import Clock
from shared.database.engine import Database
from shared.database.errors import Conflict
from shared.events import Event
from shared.events.maintenance import JobFailed, JobReleased, JobSucceeded
from shared.events.scheduler import TimerFired
from shared.jobs import facts
from shared.jobs.failures import why_failed
from shared.jobs.runs import Finding, Overlap, Run, Running, Runs, Start, State, Suspect, find
from shared.messaging.envelope import Delivery
from shared.messaging.outbox import Outbox
from shared.messaging.unit_of_work import UnitOfWork, unit_of_work
from shared.messaging.verdict import HandBack, TryAgain

LEASE = timedelta(seconds=30)
HEARTBEATS_PER_LEASE = 3
WATCHED_HEARTBEATS = 1.5
LOOK_AGAIN = timedelta(seconds=5)
"""When a tick that is at work elsewhere looks whether that has ended well."""
RELEASED_AFTER = timedelta(seconds=6)
"""How long a run may go on once its service stops: shorter than its grace (`shared/process/ending.py`)."""

_STATES: dict[type[Event], State] = {JobSucceeded: "succeeded", JobFailed: "failed", JobReleased: "released"}

RUNS = Counter("timeball_jobs_total", "How runs of jobs ended", ["job", "outcome"])

log = structlog.get_logger()


class ServiceStops(Exception):
    """The work was stopped with its service, and is given back."""


class LeaseLost(Exception):
    """The run is no longer ours, or may no longer be: the work was stopped."""


@dataclass(frozen=True)
class Jobs:
    """One service's jobs. `lease` is how long a run that shows no sign of life keeps others out.

    Once the service is `stopping`, what is at work has `released_after` to come to its end.
    """

    service: str
    database: Database
    table: Table
    outbox: Outbox
    clock: Clock
    lease: timedelta = LEASE
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    released_after: timedelta = RELEASED_AFTER

    async def run(self, delivery: Delivery[TimerFired], work: Callable[[], Awaitable[None]]) -> None:
        """Run the work of a tick and tell of it; only what keeps the telling from being written is raised."""
        run = await self._begin(delivery)
        if run is None:
            return
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            error = await self._result(run, work)
        except ServiceStops:
            duration = timedelta(seconds=clock() - began)
            released = facts.released(self.service, delivery.event, run, duration=duration)
            await self._end(run, released, delivery.correlation_id)
            raise HandBack from None
        duration = timedelta(seconds=clock() - began)
        told = facts.ended(self.service, delivery.event, run, error=error, duration=duration)
        await self._end(run, told, delivery.correlation_id)

    async def _begin(self, delivery: Delivery[TimerFired]) -> Run | None:
        """Take the lease and tell of the start, or of why there is none; None where nothing is to be run."""
        suspect = None
        while True:
            run = self._new_run(delivery.event)
            try:
                finding = await self._take(run, delivery, suspect)
            except Conflict:
                continue
            if isinstance(finding, Suspect):
                suspect = finding.run
                await asyncio.sleep(self._heartbeat.total_seconds() * WATCHED_HEARTBEATS)
                continue
            if isinstance(finding, Running):
                raise TryAgain(LOOK_AGAIN)
            return run if isinstance(finding, Start) else None

    async def _take(self, run: Run, delivery: Delivery[TimerFired], suspect: Run | None) -> Finding:
        """Decide on the tick and write what follows, in one transaction."""
        runs, now, told = Runs(self.table), run.started_at, list[Event]()
        async with self._unit() as unit:
            connection = unit.connection
            known = await runs.concerning(connection, run.job, run.tick_at)
            finding = find(run.tick_at, known, suspect=suspect, now=now, lease=self.lease)
            match finding:
                case Start(dead):
                    if dead:
                        told.append(facts.died(self.service, dead))
                        await runs.end_dead(connection, dead, again=dead.tick_at == run.tick_at)
                    await runs.make_room(connection, run)
                    await runs.add(connection, run)
                    await runs.forget(connection, run.job, now)
                    told.append(facts.started(self.service, delivery.event, run))
                case Overlap(other):
                    await runs.make_room(connection, run)
                    await runs.add(connection, replace(run, state="skipped"))
                    told.append(facts.skipped(self.service, delivery.event, other))
            await unit.tell(*told, correlation_id=delivery.correlation_id)
        if not isinstance(finding, Start | Suspect):
            log.info("job_not_run", job=run.job, tick_at=run.tick_at.isoformat(), because=type(finding).__name__)
        return finding

    async def _result(self, run: Run, work: Callable[[], Awaitable[None]]) -> str | None:
        """Work until it ends or the lease is lost; what went wrong, if anything did."""
        log.info("job_started", job=run.job, run_id=run.run_id)
        try:
            await self._work_under_lease(run, work)
        except ServiceStops:
            log.info("job_released", job=run.job, run_id=run.run_id)
            raise
        except LeaseLost as lost:
            log.warning("job_stopped", job=run.job, run_id=run.run_id, error=str(lost))
            return str(lost)
        except Exception as error:
            log.warning("job_failed", job=run.job, run_id=run.run_id, exc_info=error)
            return why_failed(error, self.service)
        log.info("job_succeeded", job=run.job, run_id=run.run_id)
        return None

    async def _work_under_lease(self, run: Run, work: Callable[[], Awaitable[None]]) -> None:
        working = asyncio.ensure_future(work())
        ends = [asyncio.create_task(self._keep(run)), asyncio.create_task(self._until_the_service_stops())]
        try:
            await asyncio.wait((working, *ends), return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                if end.done() and not working.done():
                    await end
        finally:
            for task in (working, *ends):
                task.cancel()
            await asyncio.gather(working, *ends, return_exceptions=True)
        await working

    async def _until_the_service_stops(self) -> None:
        await self.stopping.wait()
        await asyncio.sleep(self.released_after.total_seconds())
        raise ServiceStops

    async def _keep(self, run: Run) -> None:
        """Renew the lease for ever; LeaseLost once it is taken, or could have been while the database was away."""
        loop = asyncio.get_running_loop()
        safe_until = loop.time() + self.lease.total_seconds()
        while True:
            await asyncio.sleep(self._heartbeat.total_seconds())
            asked = loop.time()
            try:
                async with asyncio.timeout_at(safe_until), self.database.transaction() as connection:
                    is_ours = await Runs(self.table).renew(connection, run, self.clock.now() + self.lease)
            except Exception as error:
                if loop.time() >= safe_until:
                    raise LeaseLost(f"stopped: its lease could not be renewed for {self.lease}") from error
                log.warning("job_lease_not_renewed", job=run.job, run_id=run.run_id, error=repr(error))
                continue
            if not is_ours:
                raise LeaseLost("stopped: its lease was lost to another run")
            safe_until = asked + self.lease.total_seconds()

    async def _end(self, run: Run, told: JobSucceeded | JobFailed | JobReleased, correlation_id: str) -> None:
        """Tell how it ended, unless who took the run over has told that already."""
        RUNS.labels(run.job, _STATES[type(told)]).inc()
        async with self._unit() as unit:
            if await Runs(self.table).end(unit.connection, run, _STATES[type(told)]):
                await unit.tell(told, correlation_id=correlation_id)

    def _unit(self) -> AbstractAsyncContextManager[UnitOfWork["Jobs"]]:
        return unit_of_work(lambda connection: UnitOfWork(self, connection), self.database, self.outbox)

    @property
    def _heartbeat(self) -> timedelta:
        return self.lease / HEARTBEATS_PER_LEASE

    def _new_run(self, event: TimerFired) -> Run:
        now = self.clock.now()
        return Run(event.timer, event.tick_at, str(uuid4()), "running", now, now + self.lease)
