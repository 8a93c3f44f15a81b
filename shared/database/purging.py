"""Purging: a service deletes its own old rows, a few at a time, so that nobody waits for it.

Old rows are found by an index without locking anything. Then they are deleted in short transactions, passing over rows
that somebody else holds; how many go at once follows from how long the last ones took, and after each transaction
others have as long a turn.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Literal

from sqlalchemy import Column, Executable, Table, TextClause, bindparam, column, text

from shared.clocks.clock import Clock
from shared.database.engine import Database, InstantColumn
from shared.events.maintenance import RetentionPurgeRequested

SHORTEST = timedelta(days=1)
"""Nothing younger is deleted, whatever is asked: redeliveries, sweeps and replays may still need it."""
KEEP_SUCCEEDED = 1_000
KEEP_FAILED = 5_000
LONGEST_RUN = timedelta(minutes=15)
"""What is left after this goes with the next request; the broker takes a message back that is at work for too long."""
TARGET_SECONDS = 0.02
FIRST, FEWEST, MOST = 100, 10, 500
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rule:
    """Rows of one table that may go once `age`, an indexed instant, is older than what is asked for by `longer`.

    `where` is SQL over the table and `:before`; of rows that `keeps` names, so many of the newest stay. `counted` is
    SQL over `:rows`, how many went, and `:before`, that goes with each deletion.
    """

    table: Table
    age: Column[Any]
    where: str = "true"
    keeps: Literal["succeeded", "failed"] | None = None
    longer: timedelta = timedelta(0)
    counted: str = ""


@dataclass(frozen=True)
class Batch:
    """One transaction of a purge: how many rows it deleted and how long it held them."""

    rows: int
    seconds: float


def next_size(size: int, seconds: float) -> int:
    """How many rows to delete at once, after so many took so long."""
    if seconds > TARGET_SECONDS:
        return max(FEWEST, size // 2)
    return min(MOST, size + size // 4 + 1) if seconds < TARGET_SECONDS / 2 else size


def inbox_rule(inbox: Table) -> Rule:
    """Inbox rows stay for three weeks more than others: they must outlive redeliveries and dead-letter replays."""
    return Rule(inbox, inbox.c.received_at, longer=timedelta(days=21))


@dataclass(frozen=True)
class Purge:
    """Deletes by rules until it is done, its time is up, or the service stops."""

    database: Database
    clock: Clock
    stopping: asyncio.Event
    on_batch: Callable[[Batch], None] = lambda _: None

    async def run(self, rules: Sequence[Rule], asked: RetentionPurgeRequested) -> int:
        """Delete what the rules let go; how many rows there were."""
        until = monotonic() + LONGEST_RUN.total_seconds()
        return sum([await self._by(rule, asked, until) for rule in rules])

    async def _by(self, rule: Rule, asked: RetentionPurgeRequested, until: float) -> int:
        before = min(asked.before, self.clock.now() - SHORTEST) - rule.longer
        before = await self._with_those_kept(rule, asked, before)
        find, delete = finding(rule, self.database.dialect), deleting(rule, self.database.dialect)
        deleted, size, since = 0, FIRST, _BEGINNING
        while not self.stopping.is_set() and monotonic() < until:
            found = await self._found(find, {"since": since, "before": before, "most": size})
            if not found:
                break
            ids = json.dumps([id_ for id_, _ in found])
            batch = await self._deleted(delete, {"before": before, "ids": ids}, rule.counted)
            deleted += batch.rows
            since = max(age for _, age in found) if batch.rows else found[-1][1] + timedelta(microseconds=1)
            size = next_size(size, batch.seconds)
            await asyncio.sleep(batch.seconds)
        return deleted

    async def _with_those_kept(self, rule: Rule, asked: RetentionPurgeRequested, before: datetime) -> datetime:
        """The instant before which rows may go, so that enough of the newest stay."""
        keep = _kept(rule, asked)
        if not keep:
            return before
        statement = _sql(
            f"SELECT {rule.age.name} FROM {rule.table.name} WHERE {rule.where} "
            f"ORDER BY {rule.age.name} DESC LIMIT 1 OFFSET :others"
        ).columns(rule.age)
        async with self.database.reading() as connection:
            oldest_kept = (await connection.execute(statement, {"others": keep - 1, "before": before})).scalar()
        return min(before, oldest_kept) if oldest_kept else _BEGINNING

    async def _found(self, statement: Executable, parameters: dict[str, Any]) -> list[tuple[Any, datetime]]:
        async with self.database.reading() as connection:
            return [(row[0], row[1]) for row in await connection.execute(statement, parameters)]

    async def _deleted(self, statement: Executable, parameters: dict[str, Any], counted: str) -> Batch:
        async with self.database.transaction() as connection:
            began = monotonic()
            rows = (await connection.execute(statement, parameters)).rowcount
            if counted and rows:
                await connection.execute(_sql(counted), {"rows": rows, "before": parameters["before"]})
        batch = Batch(rows, monotonic() - began)
        self.on_batch(batch)
        return batch


def _kept(rule: Rule, asked: RetentionPurgeRequested) -> int:
    if rule.keeps is None:
        return 0
    given, usual = {
        "succeeded": (asked.keep_succeeded, KEEP_SUCCEEDED),
        "failed": (asked.keep_failed, KEEP_FAILED),
    }[rule.keeps]
    return usual if given is None else given


_ADDRESS = {"sqlite": "rowid", "postgresql": "CAST(ctid AS text)"}


def finding(rule: Rule, dialect: str) -> Executable:
    """The statement that finds rows a rule lets go, oldest first."""
    age = rule.age.name
    return _sql(
        f"SELECT {_ADDRESS[dialect]} AS id, {age} FROM {rule.table.name} "
        f"WHERE {rule.where} AND {age} >= :since AND {age} < :before ORDER BY {age} LIMIT :most"
    ).columns(column("id"), rule.age)


def deleting(rule: Rule, dialect: str) -> Executable:
    """The statement that deletes rows that were found.

    It looks at each again: since then the row may have changed, or another may have taken its place.
    """
    name, old = rule.table.name, f"{rule.where} AND {rule.age.name} < :before"
    if dialect == "sqlite":
        # NOT INDEXED: by the rows' own numbers; a planner without statistics would rather search by age
        return _sql(f"DELETE FROM {name} NOT INDEXED WHERE rowid IN (SELECT value FROM json_each(:ids)) AND {old}")
    found = "ARRAY(SELECT CAST(value AS tid) FROM json_array_elements_text(CAST(:ids AS json)))"
    # OFFSET 0: first fetch these few rows, then look at them; a planner without statistics would rather search by age
    free = f"SELECT ctid AS row_address, * FROM {name} WHERE ctid = ANY({found}) OFFSET 0 FOR UPDATE SKIP LOCKED"
    return _sql(f"DELETE FROM {name} WHERE ctid = ANY(ARRAY(SELECT row_address FROM ({free}) AS {name} WHERE {old}))")


def _sql(statement: str) -> TextClause:
    instants = [bindparam(name, type_=InstantColumn()) for name in ("since", "before") if f":{name}" in statement]
    return text(statement).bindparams(*instants)
