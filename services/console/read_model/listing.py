"""Lists of posts by the time they are due, every one by an index however many posts there are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import Column, ColumnElement, CompoundSelect, RowMapping, Select, Subquery, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.cursor import Cursor
from services.console.domain.posts import Post
from services.console.read_model.rows import post_in
from services.console.tables.core import posts
from shared.database import bulk
from shared.database.paging import is_after, is_before

MOST_PARTS = 100
"""Of one statement: a database limits them, and how many values it takes."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which posts a list shows; `due_from` is included, `due_to` is not."""

    states: Sequence[str] = ()
    account_ids: Sequence[str] = ()
    due_from: datetime | None = None
    due_to: datetime | None = None
    is_ascending: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A post, when it is due, and when the console last learned of it."""

    post: Post
    due_at: datetime
    updated_at: datetime

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.due_at, self.post.post_id, self.post.account_id)


async def page_of(connection: AsyncConnection, wanted: Filter, after: Cursor | None, limit: int) -> list[Listed]:
    """Posts by the time they are due: of each state on each account the first by its index, then the first of these.

    A condition for several states would have all their posts sorted, however few are shown. It is the database that
    puts them in order, since it decides as well what comes after this page: its order of texts may be a language's.
    """
    parts = list(first_of_each(wanted, after, limit))
    if len(parts) == 1:
        return await _listed(connection, parts[0])
    found: list[Listed] = []
    for start in range(0, len(parts), MOST_PARTS):
        some = _at_once(parts[start : start + MOST_PARTS]).subquery("found")
        found += await _listed(connection, _first(some, wanted, limit))
    if len(parts) <= MOST_PARTS:
        return found
    keys = [{"post_id": one.post.post_id, "account_id": one.post.account_id} for one in found]
    named = bulk.select_by_key(posts, connection.dialect.name).subquery("found")
    return await _listed(connection, _first(named, wanted, limit), bulk.encode(keys))


async def count_of(connection: AsyncConnection, wanted: Filter, most: int) -> int:
    """How many posts there are, counted no further than this."""
    found = select(posts.c.post_id).where(*_conditions(wanted)).limit(most).subquery("counted")
    return int((await connection.execute(select(func.count()).select_from(found))).scalar_one())


async def _listed(
    connection: AsyncConnection, wanted: Select[Any], values: Mapping[str, str] | None = None
) -> list[Listed]:
    return [listed_in(row) for row in (await connection.execute(wanted, values)).mappings()]


def _first(found: Subquery, wanted: Filter, limit: int) -> Select[Any]:
    order = (found.c.due_at, found.c.post_id, found.c.account_id)
    return select(found).order_by(*_directed(order, wanted)).limit(limit)


def _directed(columns: Iterable[ColumnElement[Any]], wanted: Filter) -> Iterator[ColumnElement[Any]]:
    return (column.asc() if wanted.is_ascending else column.desc() for column in columns)


def first_of_each(wanted: Filter, after: Cursor | None, limit: int) -> Iterator[Select[Any]]:
    """The first posts of each state on each account that the filter names."""
    return (_part(one, after, limit) for one in _parts(wanted))


def _at_once(parts: Sequence[Select[Any]]) -> Select[Any] | CompoundSelect[Any]:
    """What all of them select, in one statement and in no order."""
    return parts[0] if len(parts) == 1 else union_all(*(select(part.subquery("part")) for part in parts))


def in_order(listed: Iterable[Listed], wanted: Filter) -> list[Listed]:
    """All the posts that a list has, by the time they are due."""
    return sorted(listed, key=lambda one: one.cursor, reverse=not wanted.is_ascending)


def _parts(wanted: Filter) -> Iterator[Filter]:
    """The filter for one state and one account at a time."""
    states = [[state] for state in dict.fromkeys(wanted.states)] or [[]]
    accounts = [[account_id] for account_id in dict.fromkeys(wanted.account_ids)] or [[]]
    for of_state, of_account in product(states, accounts):
        yield replace(wanted, states=of_state, account_ids=of_account)


def _part(wanted: Filter, after: Cursor | None, limit: int) -> Select[Any]:
    columns: tuple[Column[Any], ...] = (posts.c.due_at, posts.c.post_id, posts.c.account_id)
    is_listed = list(_conditions(wanted))
    if len(is_listed) == 1 and wanted.states and after is None:
        columns, is_listed = (posts.c.state, *columns), [_is_between(posts.c.state, wanted.states[0])]
    statement = select(posts).where(*is_listed).limit(limit)
    if after:
        statement = statement.where((is_after if wanted.is_ascending else is_before)(columns, after))
    return statement.order_by(*_directed(columns, wanted))


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """What a post must be to be listed."""
    if wanted.states:
        yield _is_one_of(posts.c.state, wanted.states)
    if wanted.account_ids:
        yield _is_one_of(posts.c.account_id, wanted.account_ids)
    if wanted.due_from:
        yield posts.c.due_at >= wanted.due_from
    if wanted.due_to:
        yield posts.c.due_at < wanted.due_to


def _is_between(column: Column[Any], value: Any) -> ColumnElement[bool]:
    """Equal to the value, in words that leave the column in the order of the list, so that only its index serves.

    PostgreSQL takes the posts of a state to be spread evenly over all due times. Where it sees that the state is equal
    it may look for published posts by due time alone, past all that are still to come.
    """
    return column.between(value, value)


def _is_one_of(column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """A single value is compared, so that an index in the order of the list is seen to hold it."""
    return column == values[0] if len(values) == 1 else column.in_(values)


def listed_in(row: RowMapping) -> Listed:
    """The post in a row of the table."""
    return Listed(post_in(dict(row)), row["due_at"], row["updated_at"])
