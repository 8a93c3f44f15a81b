"""Whether a service's tables can be written: a change of a table that somebody leaves open stops all work on it, while
the database takes writes elsewhere."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database.engine import Database
from shared.database.errors import TablesLocked

LOCK_TIMEOUT_MS = 2000
"""Longer than a table is locked by anything that is not left open."""
_LOCKED = "55P03"
_HOLDERS = text("""
SELECT DISTINCT c.relname, l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.granted AND c.relname = ANY(:tables)
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
ORDER BY c.relname, l.pid
""")


async def try_tables(database: Database, tables: Sequence[str]) -> None:
    """Raise TablesLocked unless rows of these tables can be written now; on SQLite every write asks that."""
    if database.dialect == "sqlite" or not tables:
        return
    try:
        async with database.transaction() as connection:
            await connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
            await connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN ROW EXCLUSIVE MODE"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCKED:
            raise
        raise TablesLocked(await _who_holds_them(database, tables)) from error


async def _who_holds_them(database: Database, tables: Sequence[str]) -> str:
    held = await database.rows(_HOLDERS, {"tables": list(tables)})
    holders = ", ".join(f"{row['relname']} by its process {row['pid']}" for row in held) or "by nobody any more"
    return f"tables are locked: {holders}; commit or roll back what is open there (pg_stat_activity says what it is)"
