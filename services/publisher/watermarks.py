"""Watermarks: the instants before which something of what was known of posts may be missing."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.publisher.tables import watermarks
from shared.database import bulk
from shared.database.engine import Database

KEYS_DELETED = "keys_deleted"
"""Rows of posts that were due before this instant may have been deleted."""
RESTORED = "restored"
"""The database is a backup: what became of posts between it and this instant is not in it."""


async def advance_watermark(database: Database, name: str, to: datetime) -> None:
    """Commit a watermark before anything relies on it; it moves forward, never back."""
    advance = bulk.upsert(watermarks, database.dialect, guard="watermarks.reached_at < excluded.reached_at")
    async with database.transaction() as connection:
        await connection.execute(advance, bulk.encode([{"name": name, "reached_at": to}]))


async def read_watermarks(connection: AsyncConnection) -> dict[str, datetime]:
    """All watermarks, read after the keys: one that was deleted by then was deleted under its watermark."""
    found = await connection.execute(select(watermarks.c.name, watermarks.c.reached_at))
    return {row.name: row.reached_at for row in found}


def what_is_missing(due_at: datetime, known_at: datetime | None, reached: Mapping[str, datetime]) -> str | None:
    """Why nobody can tell whether a post is out; `known_at` is when its row was last written, if there is one."""
    deleted_before, restored_at = reached.get(KEYS_DELETED), reached.get(RESTORED)
    if known_at is None and deleted_before and due_at < deleted_before:
        return _look_first(deleted_before, "what was known of that time has been deleted")
    if restored_at and due_at < restored_at and (known_at is None or known_at < restored_at):
        return _look_first(restored_at, "the publisher's database was restored from a backup then")
    return None


def _look_first(before: datetime, reason: str) -> str:
    found_out = "see on the platform whether it was published, then retry or cancel the post"
    return f"was due before {before:%Y-%m-%d %H:%M} UTC, and {reason}: {found_out}"
