"""Pages by key: each begins where the one before ended, however many rows there are."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, Tuple, literal, tuple_

from shared.database.engine import Database

Key = Sequence[ColumnElement[Any]]
"""The columns by which the rows are in order."""


def is_after(key: Key, place: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a row comes after this place."""
    return tuple_(*key) > _bound(key, place)


def is_before(key: Key, place: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a row comes before this place: after it, where the latest come first."""
    return tuple_(*key) < _bound(key, place)


async def pages(database: Database, wanted: Select[Any], key: Key, size: int) -> AsyncIterator[Sequence[RowMapping]]:
    """All rows by their key, so many at a time."""
    page = await database.rows(wanted.order_by(*key).limit(size))
    while page:
        yield page
        place = [page[-1][column] for column in key]
        page = await database.rows(wanted.where(is_after(key, place)).order_by(*key).limit(size))


def _bound(key: Key, place: Sequence[Any]) -> Tuple:
    return tuple_(*(literal(value, column.type) for value, column in zip(place, key, strict=True)))
