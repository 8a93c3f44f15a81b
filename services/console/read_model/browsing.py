"""Browsing: what the page reads of posts, every query by an index however many posts there are."""

from dataclasses import dataclass

from sqlalchemy import func, select

from services.console.cursor import Cursor
from services.console.read_model.queries import Filter, Listed, conditions, page_of
from services.console.tables.core import posts
from shared.database.engine import Database


@dataclass(frozen=True)
class Browsing:
    """Posts for people to look at."""

    database: Database

    async def page(self, wanted: Filter, after: Cursor | None, limit: int) -> list[Listed]:
        """Posts by the time they are due."""
        async with self.database.reading() as connection:
            return await page_of(connection, wanted, after, limit)

    async def count(self, wanted: Filter, most: int) -> int:
        """How many posts there are, counted no further than this."""
        found = select(posts.c.post_id).where(*conditions(wanted)).limit(most).subquery("counted")
        async with self.database.reading() as connection:
            return int((await connection.execute(select(func.count()).select_from(found))).scalar_one())
