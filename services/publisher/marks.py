"""The mark before which keys of posts may be missing, because they were old and have been deleted."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.publisher.tables import marks
from shared import bulk
from shared.db import Database

KEYS_DELETED = "keys_deleted"


class Marks:
    """Moves the mark forward, never back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._advance = bulk.upsert(marks, database.dialect, guard="marks.reached_at < excluded.reached_at")

    async def advance(self, to: datetime) -> None:
        """Commit the mark before the first key goes."""
        async with self._database.transaction() as connection:
            await connection.execute(self._advance, bulk.encode([{"name": KEYS_DELETED, "reached_at": to}]))


async def keys_deleted_before(connection: AsyncConnection) -> datetime | None:
    """The mark, read after the keys: one that was deleted by then was deleted under this mark."""
    mark = select(marks.c.reached_at).where(marks.c.name == KEYS_DELETED)
    found: datetime | None = (await connection.execute(mark)).scalar()
    return found
