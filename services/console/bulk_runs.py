"""Runs: an act on all posts that matched at one instant, and what became of each of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import RowMapping, insert, select, update

from services.console.domain.posts import CHANGEABLE, RETRIABLE
from services.console.tables_bulk import bulk_items, bulk_runs
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import State

MOST_POSTS = 10_000
AT_ONCE = 50
"""Posts that are worked on between two looks at whether the run was stopped."""
CLAIM = timedelta(seconds=30)
"""For how long a run is one replica's, from each batch on. Two that work on the same posts do no harm: the second finds
them done, or waits for the same answers."""


class Act(StrEnum):
    """What is done to each post."""

    CANCEL = "cancel"
    RETRY = "retry"
    MOVE = "move"


class RunState(StrEnum):
    """How far a run has come."""

    PREPARED = "prepared"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


STATES: Mapping[Act, frozenset[State]] = {
    Act.CANCEL: CHANGEABLE - {State.SKIPPED, State.FAILED},
    Act.RETRY: RETRIABLE,
    Act.MOVE: CHANGEABLE,
}
"""Posts for which an act is meant; others are left out when a run is prepared for all that match."""


class HasKey(Protocol):
    """A post on an account."""

    @property
    def post_id(self) -> str: ...
    @property
    def account_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Item:
    """A post of a run that is still to be done."""

    position: int
    post_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a post: done, pending (asked, and not answered in time), or refused with the reason."""

    position: int
    outcome: str
    reason: str | None = None


class BulkRuns:
    """The runs in the console's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = bulk.insert(bulk_items, _GIVEN, database.dialect)
        self._record = bulk.update(
            bulk_items,
            [bulk_items.c.outcome, bulk_items.c.reason],
            database.dialect,
            guard="bulk_items.outcome IS NULL",
        )

    async def prepare(
        self, act: Act, posts: Sequence[HasKey], *, moving: str | None, by: str, now: datetime
    ) -> RowMapping:
        """Keep which posts there are; nothing is done to them until the run is started."""
        run_id = str(uuid4())
        run = {"run_id": run_id, "act": act, "moving": moving, "state": RunState.PREPARED, "asked_by": by}
        figures = {"as_of": now, "total": len(posts), "done": 0, "pending": 0, "refused": 0}
        items = [
            {"run_id": run_id, "position": position, "post_id": one.post_id, "account_id": one.account_id}
            | {"seen_at": now}
            for position, one in enumerate(posts)
        ]
        async with self._database.transaction() as connection:
            await connection.execute(insert(bulk_runs).values(**run, **figures))
            if items:
                await connection.execute(self._add, bulk.encode(items))
        found = await self.run(run_id)
        assert found
        return found

    async def run(self, run_id: str) -> RowMapping | None:
        """How far a run has come."""
        rows = await self._database.rows(select(bulk_runs).where(bulk_runs.c.run_id == run_id))
        return rows[0] if rows else None

    async def latest(self, limit: int) -> Sequence[RowMapping]:
        """The runs that were prepared last."""
        return await self._database.rows(select(bulk_runs).order_by(bulk_runs.c.as_of.desc()).limit(limit))

    async def items(self, run_id: str, *, outcome: str | None, after: int, limit: int) -> Sequence[RowMapping]:
        """The posts of a run after a position, those with this outcome if one is named."""
        wanted = select(bulk_items).where(bulk_items.c.run_id == run_id, bulk_items.c.position > after)
        if outcome is not None:
            wanted = wanted.where(bulk_items.c.outcome == outcome)
        return await self._database.rows(wanted.order_by(bulk_items.c.position).limit(limit))

    async def start(self, run_id: str) -> None:
        """Begin, unless it has begun or ended."""
        await self._turn(run_id, {RunState.PREPARED}, {"state": RunState.RUNNING})

    async def stop(self, run_id: str, now: datetime) -> None:
        """Do nothing more, unless it has ended; what has been done stays done."""
        changes = {"state": RunState.STOPPED, "ended_at": now}
        await self._turn(run_id, {RunState.PREPARED, RunState.RUNNING}, changes)

    async def claim(self, now: datetime) -> RowMapping | None:
        """A run to work on that is no other replica's at present."""
        c = bulk_runs.c
        is_free = c.claimed_until.is_(None) | (c.claimed_until < now)
        free = select(c.run_id).where(c.state == RunState.RUNNING, is_free).order_by(c.as_of).limit(1)
        async with self._database.transaction() as connection:
            run_id = (await connection.execute(free.with_for_update(skip_locked=True))).scalar()
            if run_id is None:
                return None
            await connection.execute(update(bulk_runs).where(c.run_id == run_id).values(claimed_until=now + CLAIM))
        return await self.run(run_id)

    async def left(self, run_id: str) -> list[Item]:
        """The next posts that are to be done."""
        c = bulk_items.c
        next_ones = select(c.position, c.post_id, c.account_id).where(c.run_id == run_id, c.outcome.is_(None))
        return [Item(**row) for row in await self._database.rows(next_ones.order_by(c.position).limit(AT_ONCE))]

    async def record(self, run_id: str, results: Sequence[Result], now: datetime) -> None:
        """Keep what became of posts, and the claim for the next ones."""
        c, counted = bulk_runs.c, Counter(one.outcome for one in results)
        figures = {name: c[name] + counted[name] for name in ("done", "pending", "refused")}
        rows = [
            {"run_id": run_id, "position": one.position, "outcome": one.outcome, "reason": one.reason}
            for one in results
        ]
        async with self._database.transaction() as connection:
            await connection.execute(self._record, bulk.encode(rows))
            await connection.execute(
                update(bulk_runs).where(c.run_id == run_id).values(**figures, claimed_until=now + CLAIM)
            )

    async def end(self, run_id: str, now: datetime) -> None:
        """Every post of the run has been done."""
        await self._turn(run_id, {RunState.RUNNING}, {"state": RunState.DONE, "ended_at": now})

    async def _turn(self, run_id: str, from_: set[RunState], changes: Mapping[str, Any]) -> None:
        wanted = update(bulk_runs).where(bulk_runs.c.run_id == run_id, bulk_runs.c.state.in_(from_))
        async with self._database.transaction() as connection:
            await connection.execute(wanted.values(**changes))


_GIVEN = [bulk_items.c[name] for name in ("run_id", "position", "post_id", "account_id", "seen_at")]
