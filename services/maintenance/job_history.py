"""Every query of the history of job runs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, func, select

from services.maintenance.domain import JobRun
from services.maintenance.tables import job_history
from shared.database import bulk
from shared.database.engine import Database

_STARTED = ("running", "succeeded", "failed")
_ENDED = ("succeeded", "failed")


class JobHistory:
    """The history of job runs, in maintenance's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        c, dialect = job_history.c, database.dialect
        self._begin = bulk.insert_missing(job_history, dialect)
        ends = (c.state, c.ended_at, c.duration_ms, c.error)
        self._end = bulk.update(job_history, ends, dialect, guard="job_history.ended_at IS NULL")

    async def begin(self, run: JobRun) -> None:
        """Keep a run that started, or a tick that was skipped; one of which the end is known stays as it is."""
        await self._database.write(self._begin, bulk.encode_records([run]))

    async def end(self, run: JobRun) -> None:
        """Keep how a run ended; when it began is taken from the run only where its start was not told."""
        rows = bulk.encode_records([run])
        async with self._database.transaction() as connection:
            await connection.execute(self._begin, rows)
            await connection.execute(self._end, rows)

    async def latest(self) -> list[JobRun]:
        """Each job's latest run."""
        return await self._latest_in(_STARTED)

    async def latest_ended(self) -> list[JobRun]:
        """Each job's latest run that has ended."""
        return await self._latest_in(_ENDED)

    async def _latest_in(self, states: Sequence[str]) -> list[JobRun]:
        c = job_history.c
        newest = select(c.job, func.max(c.started_at).label("at")).where(c.state.in_(states)).group_by(c.job).subquery()
        is_newest = and_(c.job == newest.c.job, c.started_at == newest.c.at)
        found: Select[Any] = select(job_history).join(newest, is_newest).where(c.state.in_(states)).order_by(c.run_id)
        return list({row["job"]: JobRun(**row) for row in await self._database.rows(found)}.values())
