"""Idempotency keys: which requests were carried out, under which key, and what was answered.

A key is claimed before its request is carried out. Of two consoles, or two requests at once, one gets it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import takewhile
from typing import Any

import structlog
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.engine import CursorResult

from services.console.tables.core import idempotency_keys as keys
from shared.database import bulk
from shared.database.engine import Database
from shared.database.refusals import UNUSABLE

log = structlog.get_logger()

UNDER_WAY = timedelta(seconds=60)
"""Longer than any request takes: who has not answered by then has died, and the next one carries it out."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it was given."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request under its key: ours to carry out `since` then, or of somebody else; `answer` once there is one."""

    digest: str
    since: datetime | None = None
    answer: Answered | None = None

    @property
    def is_ours(self) -> bool:
        """Whether whoever asked is to carry the request out."""
        return self.since is not None


class IdempotencyKeys:
    """The keys in the console's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = bulk.insert_missing(keys, database.dialect)
        self._not_released: dict[str, datetime] = {}
        """Keys that the database may still say we have, since then, because it was away when it was to be told else."""

    async def claim(self, key: str, digest: str, now: datetime) -> Claimed:
        """Claim the key for a request with this digest, or find what the key is used for."""
        try:
            claimed = await self._claim(key, digest, now)
        except BaseException:
            self._note_not_released(key, now)
            raise
        if claimed.since:
            self._not_released.pop(key, None)
        return claimed

    async def keep(self, key: str, since: datetime, answer: Answered) -> None:
        """Remember the answer for whoever asks again, unless another has claimed the key since."""
        values = {"status": answer.status, "body": answer.body.decode()}
        await self._database.write(update(keys).where(keys.c.key == key, keys.c.started_at == since).values(values))

    async def release(self, key: str, since: datetime) -> None:
        """Forget the key that was claimed then: its request was not carried out, or has no final answer."""
        try:
            await self._database.write(delete(keys).where(keys.c.key == key, keys.c.started_at == since))
        except BaseException:
            self._note_not_released(key, since)
            raise

    @asynccontextmanager
    async def one_at_a_time(self, subject: str, now: datetime) -> AsyncIterator[bool]:
        """Whether nobody else is at the subject, whichever console is asked; until this ends nobody else will be."""
        key = f"\t{sha256(subject.encode()).hexdigest()}"  # which nobody can send: a header cannot begin with a tab
        claimed = await self.claim(key, "", now)
        try:
            yield claimed.is_ours
        finally:
            if claimed.is_ours:
                try:
                    await self.release(key, now)
                except UNUSABLE as error:  # it changes nothing in what was done
                    log.warning("subject_not_released", key=key, error=repr(error))

    async def _claim(self, key: str, digest: str, now: datetime) -> Claimed:
        row = {"key": key, "digest": digest, "started_at": now, "status": None, "body": None}
        c = keys.c
        async with self._database.transaction() as connection:
            if (await connection.execute(self._insert, bulk.encode([row]))).first():
                return Claimed(digest, since=now)
            is_abandoned = and_(c.started_at <= now - UNDER_WAY, c.digest == digest)
            is_free = or_(is_abandoned, c.started_at == self._not_released.get(key))
            taken_over = update(keys).where(c.key == key, c.status.is_(None), is_free)
            result: CursorResult[Any] = await connection.execute(taken_over.values(digest=digest, started_at=now))
            if result.rowcount:
                return Claimed(digest, since=now)
            found = (await connection.execute(select(keys).where(c.key == key))).mappings().first()
        if found is None:  # released a moment ago
            return Claimed(digest)
        answer = Answered(found["status"], found["body"].encode()) if found["status"] else None
        return Claimed(found["digest"], answer=answer)

    def _note_not_released(self, key: str, since: datetime) -> None:
        for old in list(takewhile(lambda one: self._not_released[one] <= since - UNDER_WAY, self._not_released)):
            del self._not_released[old]
        self._not_released[key] = since
