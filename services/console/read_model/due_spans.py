"""What is due in each of many spans of time, and what else is due near a post: each asked in one statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Executable, Integer, RowMapping, String, text

from services.console.read_model.listing import Listed, listed_in
from services.console.tables.core import posts
from shared.database import bulk
from shared.database.engine import Database, InstantColumn

NEAR = timedelta(minutes=5)
"""Posts on one account that are less apart are worth a look."""

Span = tuple[datetime, datetime]
"""From an instant on, and before another."""

_POSITION = Column("position", Integer)
_INSTANTS = [Column(name, InstantColumn) for name in ("due_from", "due_to")]
_PLACES = [Column(name, String(200)) for name in ("post_id", "account_id")]
_WITHIN = "near.due_at >= given.due_from AND near.due_at < given.due_to"
_IN_ORDER = "posts.due_at, posts.post_id, posts.account_id"
_COLUMNS = ", ".join(f"posts.{column.name}" for column in posts.columns)
_NEXT = {
    "sqlite": """CROSS JOIN posts ON posts.rowid IN (
        SELECT near.rowid FROM posts AS near WHERE {within}
        ORDER BY near.due_at {way}, near.post_id {way}, near.account_id {way} LIMIT :most)""",
    "postgresql": """CROSS JOIN LATERAL (
        SELECT * FROM posts AS near WHERE {within}
        ORDER BY near.due_at {way}, near.post_id {way}, near.account_id {way} LIMIT :most) AS posts""",
}
_MEANT = "posts.state IN ('scheduled', 'dispatched', 'sending', 'retrying', 'unknown', 'held', 'published')"
"""What is out, or still may be."""


@dataclass(frozen=True, slots=True)
class Place:
    """A post, and when it is or might be due."""

    post_id: str
    account_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Company:
    """Whether others are due on the account of a post at the same instant, or near it."""

    is_at_once: bool = False
    is_near: bool = False


class DueSpans:
    """The posts in the console's database, by spans of time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def counts(self, spans: Sequence[Span], account_id: str) -> list[int]:
        """How many posts are due in each span, on this account if one is named."""
        given = bulk.rows_of([_POSITION, *_INSTANTS], self._dialect)
        counted = f"SELECT count(*) FROM posts AS near WHERE {_within(account_id)}"
        rows = await self._rows(f"SELECT given.position, ({counted}) AS total FROM {given}", spans, account_id)
        totals = {int(row["position"]): row["total"] for row in rows}
        return [totals[position] for position in range(len(spans))]

    async def first(self, spans: Sequence[Span], account_id: str, most: int) -> list[list[Listed]]:
        """The first posts of each span, at most so many of each."""
        return await self._listed(spans, account_id, most, "ASC")

    async def last(self, spans: Sequence[Span], account_id: str, most: int) -> list[list[Listed]]:
        """The last posts of each span, the earliest of them first."""
        return await self._listed(spans, account_id, most, "DESC")

    async def company(self, places: Sequence[Place]) -> list[Company]:
        """What else is due on the account of each, at the same instant or less than `NEAR` from it."""
        if not places:
            return []
        given = bulk.rows_of([_POSITION, *_PLACES, *_INSTANTS, Column("due_at", InstantColumn)], self._dialect)
        other = f"posts.account_id = given.account_id AND posts.post_id <> given.post_id AND {_MEANT}"
        statement = f"""SELECT given.position,
            EXISTS (SELECT 1 FROM posts WHERE {other} AND posts.due_at = given.due_at) AS at_once,
            EXISTS (SELECT 1 FROM posts WHERE {other} AND posts.due_at > given.due_from AND posts.due_at < given.due_to)
            AS near FROM {given}"""
        asked = text(statement).columns(_POSITION, Column("at_once", Boolean), Column("near", Boolean))
        rows = await self._database.rows(asked, bulk.encode(_given(places)))
        found = {int(row["position"]): Company(bool(row["at_once"]), bool(row["near"])) for row in rows}
        return [found[position] for position in range(len(places))]

    async def _listed(self, spans: Sequence[Span], account_id: str, most: int, way: str) -> list[list[Listed]]:
        given = bulk.rows_of([_POSITION, *_INSTANTS], self._dialect)
        found = _NEXT[self._dialect].format(within=_within(account_id), way=way)
        statement = f"SELECT given.position, {_COLUMNS} FROM {given} {found} ORDER BY {_IN_ORDER}"
        listed: list[list[Listed]] = [[] for _ in spans]
        for row in await self._rows(statement, spans, account_id, posts.columns, most=most):
            listed[int(row["position"])].append(listed_in(row))
        return listed

    async def _rows(
        self, statement: str, spans: Sequence[Span], account_id: str, columns: Iterable[Any] = (), **more: Any
    ) -> Sequence[RowMapping]:
        asked: Executable = text(statement).columns(_POSITION, *columns) if columns else text(statement)
        given = bulk.encode(
            {"position": position, "due_from": span[0], "due_to": span[1]} for position, span in enumerate(spans)
        )
        account = {"account": account_id} if account_id else {}
        return await self._database.rows(asked, given | account | more)


def _within(account_id: str) -> str:
    return f"{_WITHIN} AND near.account_id = :account" if account_id else _WITHIN


def _given(places: Sequence[Place]) -> Iterable[dict[str, Any]]:
    for position, one in enumerate(places):
        named = {"post_id": one.post_id, "account_id": one.account_id, "due_at": one.due_at}
        yield {"position": position, **named, "due_from": one.due_at - NEAR, "due_to": one.due_at + NEAR}
