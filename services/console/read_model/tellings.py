"""Tellings: how much of what services told of their state has been read."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, func, select

from services.console.tables.rebuilding import rebuilds, tellings, told_parts
from shared.database import bulk
from shared.database.engine import Database
from shared.events.rebuilding import ConsoleRebuildAnswered, StateTold


class Tellings:
    """What was told, and what of it was read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add_rebuild = bulk.insert_missing(rebuilds, database.dialect)
        self._add_part = bulk.insert_missing(told_parts, database.dialect)
        self._add_answer = bulk.insert_missing(tellings, database.dialect)

    async def asked(self, rebuild_id: str, now: datetime) -> None:
        """All services are asked to tell what they keep."""
        await self._database.write(self._add_rebuild, bulk.encode([{"rebuild_id": rebuild_id, "seen_at": now}]))

    async def is_known(self, rebuild_id: str) -> bool:
        """Whether this rebuild was asked for."""
        return bool(await self._database.rows(select(rebuilds).where(rebuilds.c.rebuild_id == rebuild_id)))

    async def read(self, part: StateTold, now: datetime) -> None:
        """A part has been read; the same part again changes nothing."""
        if part.telling_id is not None:
            row = {"telling_id": part.telling_id, "part": part.part, "seen_at": now}
            await self._database.write(self._add_part, bulk.encode([row]))

    async def answered(self, answer: ConsoleRebuildAnswered, rebuild_id: str, now: datetime) -> None:
        """A service has told everything."""
        told = {"service": answer.service, "told": answer.told, "parts": answer.parts}
        row = told | {"telling_id": answer.telling_id or rebuild_id, "rebuild_id": rebuild_id, "seen_at": now}
        await self._database.write(self._add_answer, bulk.encode([row]))

    async def of(self, rebuild_id: str) -> Sequence[RowMapping]:
        """The services that have told everything, with how many of the parts have been read."""
        c = tellings.c
        is_read = select(func.count()).where(told_parts.c.telling_id == c.telling_id).scalar_subquery()
        wanted = select(c.service, c.told, c.parts, is_read.label("read")).where(c.rebuild_id == rebuild_id)
        return await self._database.rows(wanted.order_by(c.service))
