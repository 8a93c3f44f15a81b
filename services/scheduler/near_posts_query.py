"""Finds out in the database what is near the posts of a group, in one statement."""

from sqlalchemy import BigInteger, Column, Executable, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduler.near_posts import NEAR_MINUTES, NearKeys, NearPosts
from shared.database import bulk


class NearPostsQuery:
    """What else is scheduled near a post; what was cancelled is not."""

    def __init__(self, dialect: str) -> None:
        self._look = _statement(dialect)

    async def around(
        self, keys: set[NearKeys], connection: AsyncConnection, *, crowded: int
    ) -> dict[NearKeys, NearPosts]:
        """What is near the posts with these keys, where it is worth a warning.

        A minute is crowded when more posts than `crowded` are due in it.
        """
        rows = [{"text_key": text_key, "minute_key": minute_key} for text_key, minute_key in keys]
        found = await connection.execute(self._look, bulk.encode(rows) | {"crowded": crowded}) if rows else ()
        return {(row.text_key, row.minute_key): NearPosts(row.has_same_text, row.is_crowded) for row in found}


def _statement(dialect: str) -> Executable:
    """Looks into the indexes for each row, and no further than it must.

    A join would be planned while the table is small, as a scan of all of it, and kept for a while when it has grown.
    """
    given = bulk.rows_of([Column("text_key", BigInteger), Column("minute_key", BigInteger)], dialect)
    other = "SELECT 1 FROM schedules AS other WHERE other.state <> 'cancelled'"
    same_text = (
        f"{other} AND other.text_key = given.text_key "
        f"AND other.minute_key BETWEEN given.minute_key - {NEAR_MINUTES} AND given.minute_key + {NEAR_MINUTES} LIMIT 2"
    )
    same_minute = f"{other} AND other.minute_key = given.minute_key LIMIT CAST(:crowded AS BIGINT) + 1"
    return text(
        "SELECT * FROM (SELECT given.text_key, given.minute_key, "
        f"(SELECT count(*) FROM ({same_text}) AS found) > 1 AS has_same_text, "
        f"(SELECT count(*) FROM ({same_minute}) AS found) > CAST(:crowded AS BIGINT) AS is_crowded "
        f"FROM {given}) AS looked WHERE has_same_text OR is_crowded"
    ).bindparams(bindparam("crowded", type_=BigInteger))
