"""Search: the latest posts with words that begin like those that are looked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping, bindparam, text

from services.console.read_model.listing import Filter, Listed, in_order, listed_in
from services.console.read_model.words import words_in
from services.console.tables.core import posts
from shared.database import bulk
from shared.database.engine import Database, InstantColumn

MOST_FOUND = 200
LATEST = 2_000
"""Posts that are looked at first: most words stand in more, or in few."""
_INDEXED = 3
"""SQLite's index has the beginnings of words up to this length; longer ones it collects, from whatever has them."""
_FOUND_BY = {
    # CROSS JOIN: in this order, the latest first, and no further than needed
    "sqlite": """FROM post_search CROSS JOIN post_words ON post_words.id = post_search.rowid
        CROSS JOIN posts ON posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id
        WHERE post_search MATCH :words""",
    "postgresql": """FROM post_words
        JOIN posts ON posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id
        WHERE post_words.vector @@ CAST(:words AS tsquery)""",
}
_LATEST_WITH = {
    "sqlite": """SELECT rowid AS id FROM post_search WHERE post_search MATCH :beginnings
        ORDER BY rowid DESC LIMIT :latest""",
    "postgresql": """SELECT id, post_id, request_id FROM post_words WHERE vector @@ CAST(:beginnings AS tsquery)
        ORDER BY id DESC LIMIT :latest""",
}
_FOUND_AMONG_LATEST = {
    "sqlite": """FROM latest CROSS JOIN post_words ON post_words.id = latest.id
        CROSS JOIN posts ON posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id
        WHERE NOT EXISTS (SELECT 1 FROM json_each(:compared) WHERE instr(' ' || post_words.words, ' ' || value) = 0)""",
    "postgresql": """FROM latest AS post_words CROSS JOIN LATERAL (
        SELECT * FROM posts
        WHERE posts.post_id = post_words.post_id AND posts.request_id = post_words.request_id OFFSET 0
    ) AS posts WHERE true""",
}
"""Both databases collect all that they find before they take the latest. Of a word that stands in every post the latest
requests are enough, unless the filter lets few of them through: they are looked at first, each by its post's key."""
_LISTED_IN = {
    "sqlite": "SELECT value FROM json_each({})",
    "postgresql": "SELECT json_array_elements_text(CAST({} AS json))",
}


class Search:
    """Finds posts in the console's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        number = "post_search.rowid" if database.dialect == "sqlite" else "post_words.id"
        self._find = _prepared(_finding(database.dialect, _FOUND_BY[database.dialect], number))
        self._find_lately = _prepared(_finding_lately(database.dialect))
        self._rows = bulk.select_by_key(posts, database.dialect)

    async def find(self, looked_for: str, wanted: Filter, limit: int = MOST_FOUND) -> list[Listed]:
        """Of the posts that the filter lets through those asked for last, in the order in which they are due."""
        words = words_in(looked_for)
        if not words:
            return []
        given = {
            "states": json.dumps(list(wanted.states)),
            "accounts": json.dumps(list(wanted.account_ids)),
            "due_from": wanted.due_from,
            "due_to": wanted.due_to,
            "most": limit,
        }
        keys = await self._keys(words, given, limit)
        rows = await self._database.rows(self._rows, bulk.encode(keys)) if keys else []
        return in_order(map(listed_in, rows), wanted)

    async def _keys(self, words: Sequence[str], given: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
        dialect = self._database.dialect
        beginnings = _beginnings(words, dialect)
        if beginnings and limit <= LATEST:
            rows = await self._database.rows(self._find_lately, {**given, **_looked_up(words, beginnings, dialect)})
            found = [row for row in rows if row["post_id"] is not None]
            if len(found) == limit or rows[0]["looked_at"] < LATEST:
                return list(map(_key, found))
        rows = await self._database.rows(self._find, {**given, "words": _query(words, dialect)})
        return list(map(_key, rows))


def _finding(dialect: str, found_by: str, number: str) -> str:
    """The latest posts by this number of their requests."""
    listed, states, accounts = _LISTED_IN[dialect], "CAST(:states AS text)", "CAST(:accounts AS text)"
    return f"""SELECT posts.post_id, posts.account_id {found_by}
            AND ({states} = '[]' OR posts.state IN ({listed.format(states)}))
            AND ({accounts} = '[]' OR posts.account_id IN ({listed.format(accounts)}))
            AND (CAST(:due_from AS {_INSTANT[dialect]}) IS NULL OR posts.due_at >= :due_from)
            AND (CAST(:due_to AS {_INSTANT[dialect]}) IS NULL OR posts.due_at < :due_to)
        ORDER BY {number} DESC LIMIT :most"""


def _finding_lately(dialect: str) -> str:
    """The same among the latest, and how many those are: one row without a post where none of them is found."""
    found = _finding(dialect, _FOUND_AMONG_LATEST[dialect], "post_words.id")
    return f"""WITH latest AS MATERIALIZED ({_LATEST_WITH[dialect]})
        SELECT counted.looked_at, found.post_id, found.account_id
        FROM (SELECT count(*) AS looked_at FROM latest) AS counted LEFT JOIN ({found}) AS found ON true"""


def _prepared(statement: str) -> Executable:
    return text(statement).bindparams(*(bindparam(name, type_=InstantColumn()) for name in ("due_from", "due_to")))


def _key(row: RowMapping) -> dict[str, Any]:
    return {"post_id": row["post_id"], "account_id": row["account_id"]}


def _looked_up(words: Sequence[str], beginnings: Sequence[str], dialect: str) -> dict[str, Any]:
    """What the latest are looked up by; SQLite compares the whole words afterwards."""
    compared = {"compared": json.dumps(list(words))} if dialect == "sqlite" else {}
    return {"beginnings": _query(beginnings, dialect), "latest": LATEST} | compared


def _beginnings(words: Sequence[str], dialect: str) -> Sequence[str]:
    """What the index can look up at once."""
    if dialect == "postgresql":
        return words
    return [word[:_INDEXED] for word in words if len(word) > 1]


_INSTANT = {"sqlite": "text", "postgresql": "timestamptz"}


def _query(words: Sequence[str], dialect: str) -> str:
    """Every one of these words, or a longer one that begins with it; words are letters and digits only."""
    if dialect == "sqlite":
        return " ".join(f'"{word}"*' for word in words)
    return " & ".join(f"'{word}':*" for word in words)
