"""Turns: a cancellation and another request for the same post are not decided at one time by two replicas.

Where the post is not there yet there is no row to lock: each would see nothing of the other, and the post would be
published although it was cancelled after it was asked for.
"""

from collections.abc import Container, Iterable
from zlib import crc32

from sqlalchemy import Executable, text

from shared.database.bulk import Row

TURNS = 64
"""Locks in all: a lock for each post would be more than PostgreSQL has room for."""
_LOCKS = 7_305
"""What tells these advisory locks from others in the scheduler's database."""
_TAKE_TURNS = text(f"""
SELECT CASE WHEN is_alone THEN pg_advisory_xact_lock({_LOCKS}, turn)::text
    ELSE pg_advisory_xact_lock_shared({_LOCKS}, turn)::text END
FROM (
    SELECT turn, is_alone FROM json_to_recordset(CAST(:rows AS json)) AS given(turn integer, is_alone boolean)
    ORDER BY turn
) AS ordered
""")


def turns(post_ids: Iterable[str], cancelled: Container[str]) -> list[Row]:
    """The locks that requests for these posts need; whoever cancels has his alone."""
    is_alone: dict[int, bool] = {}
    for post_id in post_ids:
        turn = crc32(post_id.encode()) % TURNS
        is_alone[turn] = is_alone.get(turn, False) or post_id in cancelled
    return [{"turn": turn, "is_alone": alone} for turn, alone in is_alone.items()]


def take_turns_statement(dialect: str) -> Executable | None:
    """Take the locks until the end of the transaction; on SQLite there is one writer at a time anyway."""
    return None if dialect == "sqlite" else _TAKE_TURNS
