"""Idempotency keys: which requests were carried out, under which key, and what was answered.

A key is claimed before its request is carried out. Of two consoles, or two requests at once, one gets it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult

from services.console.tables.core import idempotency_keys as keys
from shared.database import bulk
from shared.database.engine import Database

UNDER_WAY = timedelta(seconds=60)
"""Longer than any request takes: who has not answered by then has died, and the next one carries it out."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it was given."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request under its key: `is_ours` to carry out, or of somebody else; `answer` once there is one."""

    digest: str
    is_ours: bool
    answer: Answered | None = None


class IdempotencyKeys:
    """The keys in the console's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = bulk.insert_missing(keys, database.dialect)

    async def claim(self, key: str, digest: str, now: datetime) -> Claimed:
        """Claim the key for a request with this digest, or find what the key is used for."""
        row = {"key": key, "digest": digest, "started_at": now, "status": None, "body": None}
        async with self._database.transaction() as connection:
            if (await connection.execute(self._insert, bulk.encode([row]))).first():
                return Claimed(digest, is_ours=True)
            abandoned = (keys.c.key == key) & keys.c.status.is_(None) & (keys.c.started_at <= now - UNDER_WAY)
            taken_over = update(keys).where(abandoned, keys.c.digest == digest).values(started_at=now)
            result: CursorResult[Any] = await connection.execute(taken_over)
            if result.rowcount:
                return Claimed(digest, is_ours=True)
            found = (await connection.execute(select(keys).where(keys.c.key == key))).mappings().first()
        if found is None:  # released a moment ago
            return Claimed(digest, is_ours=False)
        answer = Answered(found["status"], found["body"].encode()) if found["status"] else None
        return Claimed(found["digest"], is_ours=False, answer=answer)

    async def keep(self, key: str, answer: Answered) -> None:
        """Remember the answer for whoever asks again."""
        values = {"status": answer.status, "body": answer.body.decode()}
        await self._database.write(update(keys).where(keys.c.key == key).values(values))

    async def release(self, key: str) -> None:
        """Forget the key: its request was not carried out, or has no final answer."""
        await self._database.write(delete(keys).where(keys.c.key == key))
