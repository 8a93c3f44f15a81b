"""The watermark before which keys of posts may be missing, because they were old and have been deleted."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.publisher.tables import watermarks
from shared.database import bulk
from shared.database.engine import Database

KEYS_DELETED = "keys_deleted"


async def advance_watermark(database: Database, to: datetime) -> None:
    """Commit the watermark before the first key goes; it moves forward, never back."""
    advance = bulk.upsert(watermarks, database.dialect, guard="watermarks.reached_at < excluded.reached_at")
    async with database.transaction() as connection:
        await connection.execute(advance, bulk.encode([{"name": KEYS_DELETED, "reached_at": to}]))


async def keys_deleted_before(connection: AsyncConnection) -> datetime | None:
    """The mark, read after the keys: one that was deleted by then was deleted under this watermark."""
    watermark = select(watermarks.c.reached_at).where(watermarks.c.name == KEYS_DELETED)
    found: datetime | None = (await connection.execute(watermark)).scalar()
    return found
