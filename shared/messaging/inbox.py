"""The inbox: which messages a service has already taken, for requests whose repetition would change something."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import bulk
from shared.database.engine import Database, InstantColumn


def inbox_table(metadata: MetaData) -> Table:
    """The inbox of one service. Its rows must outlive the longest redelivery, dead-letter replay included."""
    return Table(
        "inbox",
        metadata,
        Column("message_id", String(200), primary_key=True),
        Column("received_at", InstantColumn, nullable=False, index=True),
    )


class Inbox:
    """Remembers message ids within a caller's transaction."""

    def __init__(self, table: Table, database: Database) -> None:
        self._insert = bulk.insert_missing(table, database.dialect)

    async def remember(self, connection: AsyncConnection, inbox_ids: Iterable[str], now: datetime) -> set[str]:
        """Remember the ids; the answer has those that are new."""
        rows = [{"message_id": inbox_id, "received_at": now} for inbox_id in sorted(set(inbox_ids))]
        if not rows:
            return set()
        result = await connection.execute(self._insert, bulk.encode(rows))
        return set(result.scalars())
