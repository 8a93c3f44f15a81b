"""The journal: every event once, numbered in the order in which it can be read, for those who listen and were away."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.tables.core import journal
from shared.database import bulk
from shared.database.engine import Database
from shared.messaging.envelope import Delivery

MOST_READ = 500
"""Entries that are read at once."""
_SEALED = frozenset({"sealed_credentials", "sealed_notify"})
_LOCK = 5_201_314
"""PostgreSQL gives out numbers before a commit. Whoever writes entries holds this lock until its commit, as the last
one that it takes: so no lower number becomes visible after a higher one."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One event in the journal."""

    id: int
    message_id: str
    type: str
    correlation_id: str
    data: str

    @cached_property
    def told(self) -> dict[str, Any]:
        """What the event says."""
        told: dict[str, Any] = json.loads(self.data)
        return told


@dataclass(frozen=True, slots=True)
class Span:
    """The first number that is kept and the last one that was given, or zero."""

    first: int
    last: int

    def holds_all_after(self, entry_id: int) -> bool:
        """Whether whoever has read up to this number has missed nothing that is gone."""
        return self.first - 1 <= entry_id <= self.last


def id_of(delivery: Delivery[Any], now: datetime) -> str | None:
    """By which an event is known here: its own id, else, where its producer gave none, one of each arrival.

    None of what a service that is asked for its state tells again: that does not happen now.
    """
    if delivery.message_id or delivery.derived_id is None:
        return delivery.message_id
    return delivery.derived_id if delivery.redelivered else f"{delivery.derived_id}-{now:%Y%m%dT%H%M%S%f}"


def entries_of(delivery: Delivery[Any], now: datetime) -> list[Row]:
    """The entry of an event; what is told again by a service that is asked for its state has none."""
    event, message_id = delivery.event, id_of(delivery, now)
    if message_id is None:
        return []
    return [
        {
            "message_id": message_id,
            "type": event.type,
            "correlation_id": delivery.correlation_id,
            "data": event.model_dump_json(exclude_none=True, exclude=_SEALED),
            "seen_at": now,
        }
    ]


class Journal:
    """Writes and reads the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = bulk.insert_unknown(journal, ("message_id",), database.dialect)

    async def write(self, connection: AsyncConnection, rows: Sequence[Row]) -> None:
        """Add entries for those events that have none, as the last thing in a transaction."""
        if not rows:
            return
        if self._database.dialect == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await connection.execute(self._insert, bulk.encode(rows))

    async def span(self) -> Span:
        """From where to where it reaches. Asked for together, SQLite would read the whole table for the two ends."""
        ends = (select(end(journal.c.id)).scalar_subquery() for end in (func.min, func.max))
        async with self._database.reading() as connection:
            first, last = (await connection.execute(select(*ends))).one()
        return Span(first or 1, last or 0)

    async def after(self, entry_id: int, *, up_to: int | None = None) -> list[Entry]:
        """The next entries, not too many at once."""
        c = journal.c
        wanted = select(c.id, c.message_id, c.type, c.correlation_id, c.data).where(c.id > entry_id)
        if up_to is not None:
            wanted = wanted.where(c.id <= up_to)
        async with self._database.reading() as connection:
            rows = (await connection.execute(wanted.order_by(c.id).limit(MOST_READ))).all()
        return [Entry(*row) for row in rows]
