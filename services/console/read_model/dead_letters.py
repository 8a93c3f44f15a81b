"""Dead letters in the read model: what rests in the services, by what they told of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import RowMapping, Select, and_, bindparam, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.cursor import Cursor
from services.console.tables.core import dead_letters, settled_letters
from shared.database import bulk
from shared.database.engine import Database, InstantColumn
from shared.database.group_commit import GroupCommit
from shared.database.paging import is_before
from shared.events.dead_letters import DeadLetterDropped, DeadLetterParked, DeadLetterReplayed

Row = Mapping[str, Any]

MOST_TOGETHER = 500
_KEY = ("service", "queue", "message_id")
_NEWER = "{table}.parked_at < excluded.parked_at"
_SETTLE_ALL = text(
    "INSERT INTO settled_letters (service, queue, message_id, parked_at, seen_at) "
    "SELECT service, queue, message_id, parked_at, :now FROM dead_letters "
    "WHERE service = :service AND parked_at <= :looked_at "
    "ON CONFLICT (service, queue, message_id) DO UPDATE SET parked_at = excluded.parked_at, seen_at = excluded.seen_at "
    f"WHERE {_NEWER.format(table='settled_letters')}"
).bindparams(bindparam("now", type_=InstantColumn()), bindparam("looked_at", type_=InstantColumn()))


@dataclass(frozen=True, slots=True)
class LetterNews:
    """What one fact tells: letters that rest, letters that do so no more, and services in which nothing rests."""

    parked: Sequence[Row] = ()
    settled: Sequence[Row] = ()
    emptied: Sequence[Row] = ()


class DeadLetters:
    """What the console knows of dead letters. In whatever order facts come, and however often, it ends up the same."""

    def __init__(self, database: Database) -> None:
        self._database = database
        guards = {table: _NEWER.format(table=table.name) for table in (dead_letters, settled_letters)}
        self._park = bulk.upsert(dead_letters, database.dialect, guard=guards[dead_letters])
        self._settle = bulk.upsert(settled_letters, database.dialect, guard=guards[settled_letters])
        self._commits: GroupCommit[LetterNews, None] = GroupCommit(self._commit, most=MOST_TOGETHER)

    async def parked(self, fact: DeadLetterParked, now: datetime) -> None:
        """Learn of a letter that rests."""
        row = fact.model_dump() | {"queue": fact.queue or "", "seen_at": now}
        await self._commits.submit(LetterNews(parked=[row]))

    async def settled(self, fact: DeadLetterReplayed | DeadLetterDropped, now: datetime) -> None:
        """Learn of letters that rest no more; where none does, of those that were taken away unseen as well."""
        letters = [
            one.model_dump() | {"service": fact.service, "queue": one.queue or "", "seen_at": now}
            for one in fact.letters
        ]
        is_empty = fact.is_last and fact.resting == 0
        emptied = [{"service": fact.service, "looked_at": fact.looked_at, "now": now}] if is_empty else []
        await self._commits.submit(LetterNews(settled=letters, emptied=emptied))

    async def resting(
        self, services: Sequence[str], post_id: str | None, after: Cursor | None, limit: int
    ) -> Sequence[RowMapping]:
        """A page of letters that rest, the latest first; of these services (of all, if none is named) and this post."""
        return await self._database.rows(_page(services, post_id, after, limit))

    async def _commit(self, group: Sequence[LetterNews]) -> Sequence[None]:
        async with self._database.transaction() as connection:
            await _write(connection, self._park, chain.from_iterable(told.parked for told in group))
            await _write(connection, self._settle, chain.from_iterable(told.settled for told in group))
            for emptied in chain.from_iterable(told.emptied for told in group):
                await connection.execute(_SETTLE_ALL, emptied)
        return [None] * len(group)


async def _write(connection: AsyncConnection, statement: Any, rows: Iterable[Row]) -> None:
    """Write the rows, of those with one key the latest: no statement may change a row twice."""
    latest: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in _KEY)
        if key not in latest or latest[key]["parked_at"] < row["parked_at"]:
            latest[key] = row
    if latest:
        await connection.execute(statement, bulk.encode(latest.values()))


def cursor_of(row: RowMapping) -> Cursor:
    """Where a page ends."""
    return Cursor(row["parked_at"], row["message_id"], f"{row['service']} {row['queue']}")


def _page(services: Sequence[str], post_id: str | None, after: Cursor | None, limit: int) -> Select[Any]:
    letters, settled = dead_letters.c, settled_letters.c
    same = and_(*(letters[name] == settled[name] for name in _KEY))
    rests = or_(settled.parked_at.is_(None), settled.parked_at < letters.parked_at)
    wanted = select(dead_letters).outerjoin(settled_letters, same).where(rests).limit(limit)
    if services:
        wanted = wanted.where(letters.service.in_(services))
    if post_id is not None:
        wanted = wanted.where(letters.post_id == post_id)
    place = (letters.parked_at, letters.message_id, letters.service, letters.queue)
    if after:
        service, _, queue = after.second_id.partition(" ")
        wanted = wanted.where(is_before(place, (after.at, after.first_id, service, queue)))
    return wanted.order_by(*(column.desc() for column in place))
