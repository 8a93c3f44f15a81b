"""Every query of posts that wait for a person: those that may be out, and those that are held."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.maintenance.domain import WAITS, Key, Standing, Waiting
from services.maintenance.tables import decisions, outcomes
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import Progress, State


@dataclass(frozen=True, slots=True)
class _Row:
    post_id: str
    account_id: str
    state: str
    revision: int
    retries: int
    attempts: int
    since: datetime


class Decisions:
    """Posts that wait for a person, in maintenance's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect, c = database.dialect, outcomes.c
        self._write = bulk.upsert(decisions, dialect, guard="true")
        self._read = bulk.select_by_key(decisions, dialect, lock=True)
        self._read_outcomes = bulk.select_by_key(outcomes, dialect, key=(c.post_id, c.account_id))

    async def learn(self, group: Sequence[Standing]) -> Sequence[None]:
        """Keep the posts that wait for a person, and that others no longer do: older news changes nothing.

        What may have ended a wait is kept in any case: it may overtake what it ended.
        """
        newest = _newest(group)
        async with self._database.transaction() as connection:
            known = await self._known(connection, newest)
            later = {key: one for key, one in newest.items() if key not in known or one.is_beyond(known[key])}
            published = await self._published(connection, [key for key, one in later.items() if one.waits])
            over = {key for key, one in later.items() if not one.waits and (key in known or one.may_end_a_wait)}
            kept = [one for key, one in later.items() if key in over or (one.waits and key not in published)]
            await self._keep(connection, kept)
        return [None] * len(group)

    async def waiting(self) -> list[Waiting]:
        """How many posts of each account wait, and for what."""
        c = decisions.c
        counted = select(c.account_id, c.state, func.count(), func.min(c.post_id), func.min(c.since)).where(
            c.state.in_(WAITS)
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(counted.group_by(c.account_id, c.state).order_by(c.account_id, c.state))
            return [Waiting(account_id, State(state), *more) for account_id, state, *more in rows]

    async def _known(self, connection: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Standing]:
        rows = (await connection.execute(self._read, _bound(sorted(keys)))).mappings()
        return {one.key: one for one in (_standing(_Row(**row)) for row in rows)}

    async def _published(self, connection: AsyncConnection, keys: Iterable[Key]) -> set[Key]:
        """Which of these posts are known to be out: what says otherwise comes late."""
        found = (await connection.execute(self._read_outcomes, _bound(keys))).mappings()
        return {(row["post_id"], row["account_id"]) for row in found if row["kind"] == State.PUBLISHED}

    async def _keep(self, connection: AsyncConnection, kept: Sequence[Standing]) -> None:
        if kept:
            rows = [_row(one) for one in sorted(kept, key=lambda one: one.key)]
            await connection.execute(self._write, bulk.encode_records(rows))


def _bound(keys: Iterable[Key]) -> dict[str, str]:
    return bulk.encode({"post_id": post_id, "account_id": account_id} for post_id, account_id in keys)


def _newest(group: Iterable[Standing]) -> Mapping[Key, Standing]:
    newest: dict[Key, Standing] = {}
    for one in group:
        if one.key not in newest or one.is_beyond(newest[one.key]):
            newest[one.key] = one
    return newest


def _row(one: Standing) -> _Row:
    progress = one.progress
    return _Row(*one.key, progress.state, progress.revision, progress.retries, progress.attempts, one.at)


def _standing(row: _Row) -> Standing:
    progress = Progress(State(row.state), row.revision, row.attempts, retries=row.retries)
    return Standing((row.post_id, row.account_id), progress, row.since)
