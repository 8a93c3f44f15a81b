"""Imports in the console's database: a file as it was read, and what became of its posts."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.imports import Line, PostFile
from services.console.imports.outcomes import BatchOutcome, LineTold, numbered, together
from services.console.requests.runs import CLAIM, Runs, RunState
from services.console.tables.imports import import_batches, import_lines, import_runs
from shared.database import bulk
from shared.database.engine import Database
from shared.database.paging import is_after
from shared.events.grouping import in_groups

MOST_IN_A_BATCH = 500
MOST_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Posts of a file that are to be sent together; `is_repeated` where they may have been before."""

    position: int
    lines: Sequence[Line]
    is_repeated: bool = False


class ImportRuns(Runs):
    """The imports."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, import_runs)
        self._add_lines = bulk.insert_missing(import_lines, database.dialect)
        self._add_batches = bulk.insert_missing(import_batches, database.dialect)

    async def prepare(self, name: str, file: PostFile, plan: Mapping[str, Any], *, by: str, now: datetime) -> str:
        """Keep what a file holds; nothing is sent until the import is started."""
        run_id = str(uuid4())
        run = {"run_id": run_id, "name": name, "plan": json.dumps(plan), "overwrite": False, "asked_by": by}
        figures = {"state": RunState.PREPARED, "as_of": now, "total": len(file.posts)}
        parts = [
            {"run_id": run_id, "position": position, "lines": _as_text(lines), "seen_at": now, "sent_at": None}
            for position, lines in enumerate(batches(file.posts))
        ]
        faults = [LineTold(line.number, "fault", line.problem or "") for line in file.faults]
        async with self._database.transaction() as connection:
            await connection.execute(insert(import_runs).values(**run, **figures, sent=0, scheduled=0, unchanged=0))
            if parts:
                await connection.execute(self._add_batches, bulk.encode(parts))
            await self._add(connection, run_id, faults, now)
        return run_id

    async def next_batch(self, run_id: str) -> Batch | None:
        """The posts that are to be sent next."""
        c = import_batches.c
        left = select(c.position, c.lines, c.sent_at).where(c.run_id == run_id, c.lines.is_not(None))
        rows = await self._database.rows(left.order_by(c.position).limit(1))
        if not rows:
            return None
        (row,) = rows
        return Batch(row["position"], _lines_in(row["lines"]), is_repeated=row["sent_at"] is not None)

    async def note_sending(self, run_id: str, batch: Batch, now: datetime) -> None:
        """Keep that a batch is about to be sent, before it is."""
        c = import_batches.c
        sending = update(import_batches).where(c.run_id == run_id, c.position == batch.position, c.sent_at.is_(None))
        await self._database.write(sending.values(sent_at=now))

    async def record(self, run_id: str, batch: Batch, outcome: BatchOutcome, now: datetime) -> None:
        """Keep what became of a batch, once, and the claim for the next one; its posts are kept no longer."""
        c = import_batches.c
        is_sent = update(import_batches).where(c.run_id == run_id, c.position == batch.position, c.lines.is_not(None))
        runs = import_runs.c
        figures: dict[str, Any] = {
            "sent": runs.sent + len(batch.lines),
            "scheduled": runs.scheduled + outcome.scheduled,
            "unchanged": runs.unchanged + outcome.unchanged,
            "problem": None,
            "claimed_until": now + CLAIM,
        }
        async with self._database.transaction() as connection:
            if (await connection.execute(is_sent.values(lines=None))).rowcount:
                figures["warnings"] = await self._warnings(connection, run_id, outcome)
                await connection.execute(update(import_runs).where(runs.run_id == run_id).values(**figures))
                await self._add(connection, run_id, outcome.lines, now)

    async def _warnings(self, connection: AsyncConnection, run_id: str, outcome: BatchOutcome) -> str | None:
        """Those of the batches before and of this one; the run is locked, for another replica may be at it too."""
        known = select(import_runs.c.warnings).where(import_runs.c.run_id == run_id).with_for_update()
        text: str | None = (await connection.execute(known)).scalar()
        if not outcome.warnings:
            return text
        return json.dumps(together(json.loads(text or "{}"), outcome.warnings), ensure_ascii=False)

    async def lines(self, run_id: str, after: tuple[int, int], limit: int) -> Sequence[RowMapping]:
        """The lines to look at after one of them, in the order of the file."""
        c = import_lines.c
        wanted = select(import_lines).where(c.run_id == run_id, is_after((c.line, c.number), after))
        return await self._database.rows(wanted.order_by(c.line, c.number).limit(limit))

    async def _add(self, connection: AsyncConnection, run_id: str, lines: Sequence[LineTold], now: datetime) -> None:
        rows = [
            {"run_id": run_id, "line": one.line, "number": number, "kind": one.kind, "reason": one.reason}
            | {"post_id": one.post_id, "account_id": one.account_id, "code": one.code, "seen_at": now}
            for number, one in numbered(lines)
        ]
        if rows:
            await connection.execute(self._add_lines, bulk.encode(rows))


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in groups that fit into one request."""
    return in_groups(lines, lambda line: len(str(line.post)), most=MOST_CHARACTERS, most_things=MOST_IN_A_BATCH)


def _as_text(lines: Sequence[Line]) -> str:
    return json.dumps([[line.number, line.post] for line in lines], ensure_ascii=False)


def _lines_in(text: str) -> list[Line]:
    return [Line(number, post) for number, post in json.loads(text)]
