"""The outbox's rows: events that are written with the change they report, and the claims on them.

A claim says until when its process is taken to be alive. On PostgreSQL, where several machines look, claims are written
and compared by the database's clock. SQLite serves one machine, and its clock is that of the processes.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Executable, Integer, MetaData, RowMapping, String, Table, Text, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clocks.clock import Clock
from shared.database import bulk
from shared.database.engine import Database, InstantColumn, as_text
from shared.messaging.envelope import Envelope

CLAIM = timedelta(seconds=30)
BATCH = 500


def outbox_table(metadata: MetaData) -> Table:
    """The outbox of one service."""
    return Table(
        "outbox",
        metadata,
        Column("message_id", String(200), primary_key=True),
        Column("type", String(100), nullable=False),
        Column("body", Text, nullable=False),
        Column("correlation_id", String(200), nullable=False),
        Column("exchange", String(100), nullable=False),
        Column("routing_key", String(200), nullable=False),
        Column("headers", Text, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("created_at", InstantColumn, nullable=False),
        Column("claimed_until", InstantColumn, nullable=False, index=True),
    )


class OutboxRows:
    """Every query of one service's outbox."""

    def __init__(self, table: Table, database: Database, clock: Clock) -> None:
        self._table = table
        self._database = database
        self._clock = clock
        self._insert = _insert_claimed(table, database.dialect)
        self._delete = bulk.delete_by_key(table, database.dialect)
        shortened = f"claimed_until = {_later(database.dialect)}"
        self._shorten_claim = bulk.update(table, [], database.dialect, also=shortened)
        self._any_left_behind = text(f"SELECT 1 {_left_behind(table, database.dialect)} LIMIT 1")
        self._claim = _claim_left_behind(table, database.dialect)

    async def add(self, connection: AsyncConnection, envelopes: Sequence[Envelope]) -> None:
        """Write the envelopes in the caller's transaction, claimed by this process."""
        now = self._clock.now()
        rows = [_row(envelope) | {"created_at": now} for envelope in envelopes]
        await connection.execute(self._insert, bulk.encode(rows) | self._claimed_for(CLAIM))

    async def age(self) -> timedelta:
        """How long the oldest event has been waiting; zero when there is none.

        In a long backlog it is the oldest of those that no relay has tried for the longest time: to find the very
        oldest, all of it would be read, each time that somebody asks how the service is.
        """
        c = self._table.c
        first = select(c.created_at).order_by(c.claimed_until).limit(BATCH).subquery()
        async with self._database.reading() as connection:
            oldest = (await connection.execute(select(func.min(first.c.created_at)))).scalar()
        return max(self._clock.now() - oldest, timedelta(0)) if oldest else timedelta(0)

    async def claim_left_behind(self) -> Sequence[Envelope]:
        """Take over what others have left behind, some at a time; where there is nothing, a read is all it takes."""
        claim = self._claimed_for(CLAIM)
        if not await self._database.rows(self._any_left_behind, claim):
            return []
        async with self._database.transaction() as connection:
            rows = await connection.execute(self._claim, claim)
            return [_envelope(row) for row in rows.mappings()]

    async def shorten_claim(self, envelopes: Sequence[Envelope], left: timedelta) -> None:
        """Let a claim end when so much time has passed."""
        rows = bulk.encode({"message_id": envelope.message_id} for envelope in envelopes)
        async with self._database.transaction() as connection:
            await connection.execute(self._shorten_claim, rows | self._claimed_for(left))

    async def delete(self, envelopes: Sequence[Envelope]) -> None:
        """Forget events that were sent."""
        rows = bulk.encode({"message_id": envelope.message_id} for envelope in envelopes)
        async with self._database.transaction() as connection:
            await connection.execute(self._delete, rows)

    def _claimed_for(self, span: timedelta) -> dict[str, Any]:
        """The bind parameters from which a statement knows until when."""
        if self._database.dialect != "sqlite":
            return {"span": span}
        now = self._clock.now()
        return {"now": as_text(now), "until": as_text(now + span), "beyond": as_text(now + 2 * span)}


def _now(dialect: str) -> str:
    return ":now" if dialect == "sqlite" else "now()"


def _later(dialect: str) -> str:
    return ":until" if dialect == "sqlite" else "now() + CAST(:span AS interval)"


def _beyond(dialect: str) -> str:
    return ":beyond" if dialect == "sqlite" else "now() + 2 * CAST(:span AS interval)"


def _insert_claimed(table: Table, dialect: str) -> Executable:
    given = [column for column in table.columns if column.name != "claimed_until"]
    names = ", ".join(column.name for column in given)
    return text(
        f"INSERT INTO {table.name} ({names}, claimed_until) "
        f"SELECT {names}, {_later(dialect)} FROM {bulk.rows_of(given, dialect)}"
    )


def _left_behind(table: Table, dialect: str) -> str:
    """Claims that have run out, and those that reach further than any does: their clock was ahead, or ours is back."""
    return f"FROM {table.name} WHERE claimed_until <= {_now(dialect)} OR claimed_until > {_beyond(dialect)}"


def _claim_left_behind(table: Table, dialect: str) -> Executable:
    skipping = "" if dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"
    expired = f"SELECT message_id {_left_behind(table, dialect)} ORDER BY claimed_until LIMIT {BATCH}{skipping}"
    names = ", ".join(column.name for column in table.columns)
    return text(
        f"UPDATE {table.name} SET claimed_until = {_later(dialect)}, failures = failures + 1 "
        f"WHERE message_id IN ({expired}) RETURNING {names}"
    ).columns(*table.columns)


def _row(envelope: Envelope) -> dict[str, object]:
    return {
        "message_id": envelope.message_id,
        "type": envelope.type,
        "body": envelope.body.decode(),
        "correlation_id": envelope.correlation_id,
        "exchange": envelope.exchange,
        "routing_key": envelope.routing_key,
        "headers": json.dumps(envelope.headers),
        "failures": 0,
    }


def _envelope(row: RowMapping) -> Envelope:
    return Envelope(
        type=row["type"],
        body=row["body"].encode(),
        message_id=row["message_id"],
        correlation_id=row["correlation_id"],
        exchange=row["exchange"],
        routing_key=row["routing_key"],
        headers=json.loads(row["headers"]),
    )
