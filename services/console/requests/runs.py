"""Runs: work of many parts that one replica does in the background, and any other goes on with."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, Table, bindparam, select, update

from shared.database.engine import Database, InstantColumn

CLAIM = timedelta(seconds=30)
"""For how long a run is one replica's, from each batch on. A slow one may meet another at the same parts: whatever is
asked twice must lead to the same."""
PREPARED_FOR = timedelta(hours=1)
"""How long a run may wait for its start: what was seen longer ago may be true no more."""


class RunState(StrEnum):
    """How far a run has come."""

    PREPARED = "prepared"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


def has_expired(run: RowMapping, now: datetime) -> bool:
    """Whether nobody has started it in time."""
    return bool(run["state"] == RunState.PREPARED and run["as_of"] < now - PREPARED_FOR)


class Runs:
    """The runs in a table with the columns run_id, state, as_of, claimed_until, ended_at and problem."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table
        self._free = _free(table)
        self._started = asyncio.Event()

    async def run(self, run_id: str) -> RowMapping | None:
        """How far a run has come."""
        rows = await self._database.rows(select(self._table).where(self._table.c.run_id == run_id))
        return rows[0] if rows else None

    async def is_running(self, run_id: str) -> bool:
        """Whether it is started and neither done nor stopped."""
        run = await self.run(run_id)
        return run is not None and run["state"] == RunState.RUNNING

    async def latest(self, limit: int) -> Sequence[RowMapping]:
        """The runs that were prepared last."""
        return await self._database.rows(select(self._table).order_by(self._table.c.as_of.desc()).limit(limit))

    async def start(self, run_id: str, now: datetime, **chosen: Any) -> None:
        """Begin as it was chosen, unless it has begun, ended or expired."""
        is_in_time = self._table.c.as_of >= now - PREPARED_FOR
        await self._turn(run_id, {RunState.PREPARED}, {"state": RunState.RUNNING} | chosen, is_in_time)
        self._started.set()

    async def until_started(self, seconds: float) -> None:
        """Wait until a run is started here, or for so long: another replica may have started one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._started.wait()
        self._started.clear()

    async def stop(self, run_id: str, now: datetime) -> None:
        """Do nothing more, unless it has ended; what has been done stays done."""
        changes = {"state": RunState.STOPPED, "ended_at": now}
        await self._turn(run_id, {RunState.PREPARED, RunState.RUNNING}, changes)

    async def end(self, run_id: str, now: datetime) -> None:
        """Every part of the run has been done."""
        await self._turn(run_id, {RunState.RUNNING}, {"state": RunState.DONE, "ended_at": now})

    async def fail(self, run_id: str, problem: str, now: datetime) -> None:
        """Stop for an error that would come again; what has been done stays done."""
        changes = {"state": RunState.STOPPED, "ended_at": now, "problem": problem}
        await self._turn(run_id, {RunState.RUNNING}, changes)

    async def note(self, run_id: str, problem: str) -> None:
        """Say why it waits; it is said until the next part is done."""
        await self._turn(run_id, {RunState.RUNNING}, {"problem": problem})

    async def claim(self, now: datetime) -> RowMapping | None:
        """A run to work on that is no other replica's at present."""
        at = {"now": now, "beyond": now + 2 * CLAIM}
        if not await self._database.rows(self._free, at):
            return None
        async with self._database.transaction() as connection:
            run_id = (await connection.execute(self._free.with_for_update(skip_locked=True), at)).scalar()
            if run_id is None:
                return None
            claimed = update(self._table).where(self._table.c.run_id == run_id)
            await connection.execute(claimed.values(claimed_until=now + CLAIM))
        return await self.run(run_id)

    async def _turn(
        self, run_id: str, from_: set[RunState], changes: Mapping[str, Any], *conditions: ColumnElement[bool]
    ) -> None:
        c = self._table.c
        turned = update(self._table).where(c.run_id == run_id, c.state.in_(from_), *conditions)
        await self._database.write(turned.values(**changes))


def _free(table: Table) -> Select[Any]:
    """The next run that goes on and is no replica's at present; a claim that reaches too far had a wrong clock."""
    c, now, beyond = table.c, *(bindparam(name, type_=InstantColumn) for name in ("now", "beyond"))
    is_free = c.claimed_until.is_(None) | (c.claimed_until < now) | (c.claimed_until > beyond)
    return select(c.run_id).where(c.state == RunState.RUNNING, is_free).order_by(c.as_of).limit(1)
