"""Browsing: what the page reads of posts, every query by an index however many posts there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from sqlalchemy import Select, func, select, tuple_

from services.console.cursor import Cursor
from services.console.queries import Filter, Listed, conditions, place_of
from services.console.rows import post_in
from services.console.tables import posts
from shared.database.engine import Database
from shared.events.progress import State

_ORDER = (posts.c.due_at, posts.c.post_id, posts.c.account_id)


@dataclass(frozen=True)
class Browsing:
    """Posts for people to look at."""

    database: Database

    async def page(self, wanted: Filter, after: Cursor | None, limit: int) -> list[Listed]:
        """Posts by the time they are due: of each state so many, put in order here."""
        parts = [await self._part(wanted, state, after, limit) for state in wanted.states or (None,)]
        together = merge(*parts, key=_place, reverse=not wanted.is_ascending)
        return [one for _, one in zip(range(limit), together, strict=False)]

    async def next_due(self, states: Sequence[State], limit: int) -> list[Listed]:
        """What is due soonest in these states."""
        return await self.page(Filter(states=states, is_ascending=True), None, limit)

    async def just_out(self, limit: int) -> list[Listed]:
        """What was published last."""
        latest = select(posts).where(posts.c.published_at.is_not(None)).order_by(posts.c.published_at.desc())
        return await self._listed(latest.limit(limit))

    async def count(self, wanted: Filter) -> int:
        """How many posts are due between two instants."""
        statement = select(func.count()).select_from(posts).where(*conditions(wanted))
        async with self.database.reading() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def _part(self, wanted: Filter, state: str | None, after: Cursor | None, limit: int) -> list[Listed]:
        statement = select(posts).where(*conditions(wanted, states=False)).limit(limit)
        if state is not None:
            statement = statement.where(posts.c.state == state)
        if after:
            here, there = tuple_(*_ORDER), tuple_(*place_of(after))
            statement = statement.where(here > there if wanted.is_ascending else here < there)
        order = (column.asc() if wanted.is_ascending else column.desc() for column in _ORDER)
        return await self._listed(statement.order_by(*order))

    async def _listed(self, statement: Select[Any]) -> list[Listed]:
        async with self.database.reading() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [Listed(post_in(dict(row)), row["due_at"], row["updated_at"]) for row in rows]


def _place(listed: Listed) -> tuple[Any, str, str]:
    cursor = listed.cursor
    return cursor.due_at, cursor.post_id, cursor.account_id
