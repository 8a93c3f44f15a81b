"""Posts that retention has deleted: services keep them longer, and tell of them again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from services.console.domain.parts import Key
from services.console.domain.posts import DROPPED, Post
from services.console.tables.core import posts
from services.console.tables.counts import post_counts
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import State

_NEVER = datetime.min.replace(tzinfo=UTC)


class DeletedPosts:
    """How far back posts have been deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._select = bulk.select_by_key(posts, database.dialect)

    async def left_out_of(self, told: Sequence[Post]) -> list[Post]:
        """What is told, without the posts that have been deleted, or would be at once."""
        until = await self._until()
        old = [post.key for post in told if post.as_of and post.as_of < until.get(post.state, _NEVER)]
        gone = set(old) - await self._known(old)
        return [post for post in told if post.key not in gone]

    async def _until(self) -> dict[State, datetime]:
        c = post_counts.c
        rows = await self._database.rows(select(c.state, c.deleted_before).where(c.deleted_before.is_not(None)))
        until = {State(row["state"]): row["deleted_before"] for row in rows}
        # one service tells the one, another the other, of the same post
        return until | dict.fromkeys(DROPPED, max(until.get(state, _NEVER) for state in DROPPED))

    async def _known(self, keys: Sequence[Key]) -> set[Key]:
        if not keys:
            return set()
        rows = [{"post_id": post_id, "account_id": account_id} for post_id, account_id in keys]
        found = await self._database.rows(self._select, bulk.encode(rows))
        return {(row["post_id"], row["account_id"]) for row in found}
