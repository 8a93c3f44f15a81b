"""The rows of job runs, every query of them, and what a tick finds there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Column, Index, MetaData, String, Table, delete, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.engine import InstantColumn
from shared.database.errors import Conflict

KEEP = timedelta(days=7)
"""How long ended runs are kept: longer than a message is on its way, dead-letter replay by hand left aside."""
MOST_AHEAD = timedelta(days=1)
"""What began later than that from now began under a clock that was wrong: its tick is still to come."""

State = Literal["running", "succeeded", "failed", "released", "skipped"]
_OPEN = ("running", "released")
_RUNNING = text("state = 'running'")


def job_runs_table(metadata: MetaData) -> Table:
    """The job runs of one service: at most one of a job is running, and a tick has one row."""
    return Table(
        "job_runs",
        metadata,
        Column("job", String(100), primary_key=True),
        Column("tick_at", InstantColumn, primary_key=True),
        Column("run_id", String(200), nullable=False),
        Column("state", String(20), nullable=False),
        Column("started_at", InstantColumn, nullable=False),
        Column("lease_until", InstantColumn, nullable=False),
        Index("job_runs_running", "job", unique=True, postgresql_where=_RUNNING, sqlite_where=_RUNNING),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """A tick of a job and what became of it; `lease_until` is when a run that is not renewed counts as dead."""

    job: str
    tick_at: datetime
    run_id: str
    state: State
    started_at: datetime
    lease_until: datetime

    def looks_alive(self, now: datetime, lease: timedelta) -> bool:
        """Whether the lease holds; one that ends later than any could was taken under a clock since set back."""
        return now < self.lease_until <= now + lease


@dataclass(frozen=True, slots=True)
class Start:
    """Nothing is in the way; `instead_of` is a dead run to be told of as failed."""

    instead_of: Run | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The tick has been dealt with."""


@dataclass(frozen=True, slots=True)
class Running:
    """The tick itself is at work already."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another tick is at work."""

    run: Run


@dataclass(frozen=True, slots=True)
class Suspect:
    """A run whose lease looks over: it is dead if it is not renewed while we watch."""

    run: Run


Finding = Start | Done | Running | Overlap | Suspect


def find(tick_at: datetime, known: Iterable[Run], *, suspect: Run | None, now: datetime, lease: timedelta) -> Finding:
    """What a tick finds among the job's running run and its own row; `suspect` is a run that has been watched."""
    rows = list(known)
    if any(run.tick_at == tick_at and run.state not in _OPEN for run in rows):
        return Done()
    running = next((run for run in rows if run.state == "running"), None)
    if running is None or running == suspect:
        return Start(running)
    is_renewed = suspect is not None and running.run_id == suspect.run_id
    if not is_renewed and not running.looks_alive(now, lease):
        return Suspect(running)
    return Running() if running.tick_at == tick_at else Overlap(running)


class Runs:
    """Queries within a caller's transaction."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._columns = table.c

    async def concerning(self, connection: AsyncConnection, job: str, tick_at: datetime) -> list[Run]:
        """The job's running run and the tick's own row, locked until the commit."""
        is_meant = or_(self._columns.state == "running", self._columns.tick_at == tick_at)
        found = select(self._table).where(self._columns.job == job, is_meant).with_for_update()
        return [Run(**row) for row in (await connection.execute(found)).mappings()]

    async def add(self, connection: AsyncConnection, run: Run) -> None:
        """Write a tick's row; Conflict where another replica was first."""
        row = {name: getattr(run, name) for name in Run.__slots__}
        try:
            await connection.execute(insert(self._table).values(row))
        except IntegrityError as error:
            raise Conflict(f"another replica was the first to run {run.job} or to see its tick") from error

    async def make_room(self, connection: AsyncConnection, run: Run) -> None:
        """Forget that a run of the same tick was released: what becomes of the tick now is what counts."""
        c = self._columns
        released = (c.job == run.job, c.tick_at == run.tick_at, c.state == "released")
        await connection.execute(delete(self._table).where(*released))

    async def end_dead(self, connection: AsyncConnection, dead: Run, *, again: bool) -> None:
        """Note that a run died, or make room where its tick runs `again`."""
        if again:
            await connection.execute(delete(self._table).where(self._columns.run_id == dead.run_id))
        else:
            await self.end(connection, dead, "failed")

    async def renew(self, connection: AsyncConnection, run: Run, until: datetime) -> bool:
        """Renew the lease; False when it is lost."""
        return await self._change(connection, run, lease_until=until)

    async def end(self, connection: AsyncConnection, run: Run, state: State) -> bool:
        """Note how a run ended; False when it had been taken over."""
        return await self._change(connection, run, state=state)

    async def forget(self, connection: AsyncConnection, job: str, now: datetime) -> None:
        """Remove rows of the job that are old, or of a clock that was wrong."""
        started_at = self._columns.started_at
        is_over = (self._columns.state != "running", or_(started_at < now - KEEP, started_at > now + MOST_AHEAD))
        await connection.execute(delete(self._table).where(self._columns.job == job, *is_over))

    async def _change(self, connection: AsyncConnection, run: Run, **changes: Any) -> bool:
        is_ours = (self._columns.run_id == run.run_id, self._columns.state == "running")
        ours = update(self._table).where(self._columns.job == run.job, *is_ours)
        return (await connection.execute(ours.values(**changes))).rowcount > 0
