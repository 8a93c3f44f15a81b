"""How long deleting a million old rows holds anybody up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Integer, Text, bindparam, text

from benchmarks.backing import backing
from benchmarks.bench import Bench, home
from benchmarks.broker import IncompleteError
from benchmarks.figure import Reach, Result, percentile
from services.publisher.app import MIGRATIONS
from services.publisher.retention import RULES
from shared.clocks.clock import SystemClock
from shared.database.engine import Database, InstantColumn
from shared.database.migrations import migrate
from shared.database.purging import Batch, Purge
from shared.events.maintenance import RetentionPurgeRequested

LONGEST_LOCK_MS = 100
_WAIT_BETWEEN = 0.005
_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i FROM n",
    "postgresql": "SELECT i FROM generate_series(1, :rows) AS n(i)",
}
_ON_DISK = {"sqlite": "PRAGMA wal_checkpoint(TRUNCATE)", "postgresql": "CHECKPOINT"}
_FILL = """
INSERT INTO publications (post_id, account_id, revision, state, attempts, attempts_allowed, publish_at, not_before,
    request, correlation_id, updated_at)
SELECT 'p-' || i, 'a', 1, 'published', 1, 3, :at, :at, :request, 'c', :at FROM ({numbers}) AS numbers
"""
_WRITE = "UPDATE publications SET attempts = attempts + 1 WHERE post_id = 'p-1' AND account_id = 'live'"


async def purge(bench: Bench) -> Result:
    """1,000,000 old publications on each database, while others write to the same table."""
    rows = bench.size(1_000_000, 100_000)
    sides = {}
    with home() as directory:
        sides["SQLite"] = await _purge(f"sqlite+aiosqlite:///{directory}/publisher.db", rows)
        async with backing(directory) as base:
            sides["PostgreSQL"] = await _purge(
                await asyncio.to_thread(base.postgres.create_database, "publisher"), rows
            )
    reaches = [Reach(f"longest lock, {side}", row["longest_lock_ms"], LONGEST_LOCK_MS) for side, row in sides.items()]
    return Result("purge", sides, reaches)


@dataclass
class _Watched:
    """What was measured meanwhile: each transaction of the purge, and each write of somebody else."""

    locks: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)

    def on_batch(self, batch: Batch) -> None:
        self.locks.append(batch.seconds * 1000)

    def row(self, rows: int, seconds: float) -> dict[str, float]:
        self.writes.sort()
        self.locks.sort()
        return {
            "longest_lock_ms": round(self.locks[-1], 1),
            "p99_lock_ms": percentile(self.locks, 0.99),
            "rows_per_s": round(rows / seconds),
            "transactions": len(self.locks),
            "others_p99_ms": percentile(self.writes, 0.99),
            "others_longest_ms": round(self.writes[-1], 1),
        }


async def _purge(url: str, rows: int) -> dict[str, float]:
    await migrate(url, MIGRATIONS)
    database, others, watched = Database(url), Database(url), _Watched()
    try:
        await _fill(database, rows)
        writing = asyncio.create_task(_forever(lambda: _write(others, watched)))
        purge_ = Purge(database, SystemClock(), asyncio.Event(), watched.on_batch)
        started = time.monotonic()
        asked = RetentionPurgeRequested(before=datetime.now(UTC) - timedelta(days=7), keep_succeeded=0)
        deleted = await purge_.run(RULES, asked)
        seconds = time.monotonic() - started
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    finally:
        await database.close()
        await others.close()
    if deleted != rows:
        raise IncompleteError(f"{rows} rows to be deleted, {deleted} were")
    return watched.row(rows, seconds)


async def _fill(database: Database, rows: int) -> None:
    """Old rows, and one that somebody still works on; all on disk, so that the purge does not pay for writing them."""
    types = (
        bindparam("rows", type_=Integer()),
        bindparam("at", type_=InstantColumn()),
        bindparam("request", type_=Text()),
    )
    statement = text(_FILL.format(numbers=_NUMBERS[database.dialect])).bindparams(*types)
    values = {"rows": rows + 1, "at": datetime.now(UTC) - timedelta(days=40), "request": "x" * 400}
    async with database.transaction() as connection:
        await connection.execute(statement, values)
        await connection.execute(
            text("UPDATE publications SET account_id = 'live', state = 'held' WHERE post_id = 'p-1'")
        )
    async with database.reading() as connection:
        await connection.execute(text(_ON_DISK[database.dialect]))


async def _write(database: Database, watched: _Watched) -> None:
    began = time.monotonic()
    async with database.transaction() as connection:
        await connection.execute(text(_WRITE))
    watched.writes.append((time.monotonic() - began) * 1000)
    await asyncio.sleep(_WAIT_BETWEEN)


async def _forever(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await step()
