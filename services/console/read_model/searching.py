"""Search: the latest posts with words that begin like those that are looked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping, bindparam, text

from services.console.read_model.queries import Filter, Listed, in_order, listed_in
from services.console.read_model.words import words_in
from services.console.tables.core import posts
from shared.database import bulk
from shared.database.engine import Database, InstantColumn

MOST_FOUND = 200
_FOUND_BY = {
    # CROSS JOIN: in this order, the latest first, and no further than needed
    "sqlite": """FROM post_search CROSS JOIN post_words ON post_words.id = post_search.rowid
        CROSS JOIN posts ON posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id
        WHERE post_search MATCH :words""",
    "postgresql": """FROM post_words
        JOIN posts ON posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id
        WHERE post_words.vector @@ CAST(:words AS tsquery)""",
}
_LATEST = 2_000
_FOUND_LATELY = f"""FROM (
        SELECT id, post_id, request_id FROM post_words WHERE vector @@ CAST(:words AS tsquery)
        ORDER BY id DESC LIMIT {_LATEST}
    ) AS post_words CROSS JOIN LATERAL (
        SELECT * FROM posts
        WHERE posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id OFFSET 0
    ) AS posts WHERE true"""
"""PostgreSQL joins all that it finds before it takes the latest. Of a word that stands in every post the latest
requests are enough, unless the filter lets few of them through: they are looked at first, each by its post's key."""
_LISTED_IN = {
    "sqlite": "SELECT value FROM json_each({})",
    "postgresql": "SELECT json_array_elements_text(CAST({} AS json))",
}


class Search:
    """Finds posts in the console's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._find = _finding(database.dialect, _FOUND_BY[database.dialect])
        self._find_lately = _finding(database.dialect, _FOUND_LATELY) if database.dialect == "postgresql" else None
        self._rows = bulk.select_by_key(posts, database.dialect)

    async def find(self, looked_for: str, wanted: Filter, limit: int = MOST_FOUND) -> list[Listed]:
        """Of the posts that the filter lets through those asked for last, in the order in which they are due."""
        words = words_in(looked_for)
        if not words:
            return []
        given = {
            "words": _query(words, self._database.dialect),
            "states": json.dumps(list(wanted.states)),
            "accounts": json.dumps(list(wanted.account_ids)),
            "due_from": wanted.due_from,
            "due_to": wanted.due_to,
            "most": limit,
        }
        keys = await self._keys(given, limit)
        rows = await self._database.rows(self._rows, bulk.encode(keys)) if keys else []
        return in_order(map(listed_in, rows), wanted)

    async def _keys(self, given: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
        found: Sequence[RowMapping] = ()
        if self._find_lately is not None and limit <= _LATEST:
            found = await self._database.rows(self._find_lately, given)
        if len(found) < limit:
            found = await self._database.rows(self._find, given)
        return [dict(row) for row in found]


def _finding(dialect: str, found_by: str) -> Executable:
    listed, states, accounts = _LISTED_IN[dialect], "CAST(:states AS text)", "CAST(:accounts AS text)"
    instants = [bindparam(name, type_=InstantColumn()) for name in ("due_from", "due_to")]
    number = "post_search.rowid" if dialect == "sqlite" else "post_words.id"
    return text(
        f"""SELECT posts.post_id, posts.account_id {found_by}
            AND ({states} = '[]' OR posts.state IN ({listed.format(states)}))
            AND ({accounts} = '[]' OR posts.account_id IN ({listed.format(accounts)}))
            AND (CAST(:due_from AS {_INSTANT[dialect]}) IS NULL OR posts.due_at >= :due_from)
            AND (CAST(:due_to AS {_INSTANT[dialect]}) IS NULL OR posts.due_at < :due_to)
        ORDER BY {number} DESC LIMIT :most"""
    ).bindparams(*instants)


_INSTANT = {"sqlite": "text", "postgresql": "timestamptz"}


def _query(words: Sequence[str], dialect: str) -> str:
    """Every one of these words, or a longer one that begins with it; words are letters and digits only."""
    if dialect == "sqlite":
        return " ".join(f'"{word}"*' for word in words)
    return " & ".join(f"'{word}':*" for word in words)
