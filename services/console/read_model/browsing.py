"""Browsing: what the page reads of posts, every query by an index however many posts there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from services.console.cursor import Cursor
from services.console.read_model.queries import Filter, Listed, conditions, page_of, posts_in
from services.console.tables.core import posts
from shared.database.engine import Database
from shared.events.progress import State


@dataclass(frozen=True)
class Browsing:
    """Posts for people to look at."""

    database: Database

    async def page(self, wanted: Filter, after: Cursor | None, limit: int) -> list[Listed]:
        """Posts by the time they are due."""
        async with self.database.reading() as connection:
            return await page_of(connection, wanted, after, limit)

    async def next_due(self, states: Sequence[State], limit: int) -> list[Listed]:
        """What is due soonest in these states."""
        return await self.page(Filter(states=states, is_ascending=True), None, limit)

    async def just_out(self, limit: int) -> list[Listed]:
        """What was published last."""
        latest = select(posts).where(posts.c.published_at.is_not(None)).order_by(posts.c.published_at.desc())
        async with self.database.reading() as connection:
            return await posts_in(connection, latest.limit(limit))

    async def count(self, wanted: Filter, most: int) -> int:
        """How many posts there are, counted no further than this."""
        found = select(posts.c.post_id).where(*conditions(wanted)).limit(most).subquery("counted")
        async with self.database.reading() as connection:
            return int((await connection.execute(select(func.count()).select_from(found))).scalar_one())
