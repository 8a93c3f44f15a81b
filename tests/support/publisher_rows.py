"""What a publisher wrote down, looked up in its database while it runs: no machine is too slow for that."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.publisher.tables import attempts, publications
from shared.database.engine import Database


async def starts(url: str, account_id: str) -> dict[str, datetime]:
    """The start of each post's last attempt for an account."""
    async with _reading(url) as connection:
        started = select(attempts.c.post_id, attempts.c.start_at).where(attempts.c.account_id == account_id)
        rows = await connection.execute(started.order_by(attempts.c.number))
        return {row.post_id: row.start_at for row in rows}


async def is_known(url: str, post_id: str) -> bool:
    """Whether anything is known of a post, if only that it was cancelled."""
    async with _reading(url) as connection:
        return bool(await connection.scalar(select(exists().where(publications.c.post_id == post_id))))


async def are_known(url: str, posts: Collection[str]) -> bool:
    """Whether something is known of all of these posts."""
    async with _reading(url) as connection:
        known = select(func.count()).where(publications.c.post_id.in_(posts))
        return await connection.scalar(known) == len(posts)


@asynccontextmanager
async def _reading(url: str) -> AsyncIterator[AsyncConnection]:
    database = Database(url)
    try:
        async with database.reading() as connection:
            yield connection
    finally:
        await database.close()
