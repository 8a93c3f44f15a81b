"""Tables whose rows are merged: read, merge, write what changed; again if another replica was faster."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.parts import Key
from shared.database import bulk

Row = Mapping[str, Any]
Change = tuple[Row | None, Row]
"""A row as it was, if there was one, and as it is."""


class Thing(Protocol):
    """What the rows are about."""

    @property
    def key(self) -> Key: ...


ThingT = TypeVar("ThingT", bound=Thing)


class MergedTable(Generic[ThingT]):
    """A table of things that only ever grow; its `version` column counts the changes of each row."""

    def __init__(
        self,
        table: Table,
        dialect: str,
        *,
        merge: Callable[[ThingT | None, ThingT], ThingT],
        read: Callable[[Row], ThingT],
        write: Callable[[ThingT, datetime, int], Row],
    ) -> None:
        self._keys = [column.name for column in table.primary_key]
        self._merge = merge
        self._read = read
        self._write = write
        self._select = bulk.select_by_key(table, dialect)
        self._upsert = bulk.upsert(
            table, dialect, guard=f"{table.name}.version = excluded.version - 1", returns_keys=True
        )

    async def learn(self, connection: AsyncConnection, things: Iterable[ThingT], now: datetime) -> list[Change]:
        """Merge what is told into the rows; what they already say changes nothing."""
        told = self._together(things)
        changes: list[Change] = []
        is_overtaken = bool(told)
        while is_overtaken:
            known = await self._known(connection, told)
            changed = [row for key, thing in told.items() if (row := self._changed(known.get(key), thing, now))]
            written = await self._written(connection, changed)
            changes += [(known.get(key), row) for row in changed if (key := self._key(row)) in written]
            is_overtaken = len(written) < len(changed)
        return changes

    def _together(self, things: Iterable[ThingT]) -> dict[Key, ThingT]:
        """One thing per key, merged from all that is told of it."""
        told: dict[Key, ThingT] = {}
        for thing in things:
            told[thing.key] = self._merge(told.get(thing.key), thing)
        return told

    async def _known(self, connection: AsyncConnection, told: Mapping[Key, ThingT]) -> dict[Key, Row]:
        keys = [dict(zip(self._keys, key, strict=True)) for key in told]
        rows = (await connection.execute(self._select, bulk.encode(keys))).mappings()
        return {self._key(row): row for row in map(dict, rows)}

    def _changed(self, row: Row | None, thing: ThingT, now: datetime) -> Row | None:
        known = self._read(row) if row else None
        merged = self._merge(known, thing)
        return None if merged == known else self._write(merged, now, row["version"] + 1 if row else 1)

    async def _written(self, connection: AsyncConnection, rows: list[Row]) -> set[Key]:
        if not rows:
            return set()
        in_order = sorted(rows, key=self._key)  # replicas lock rows in the same order
        written = await connection.execute(self._upsert, bulk.encode(in_order))
        return {tuple(key) for key in written}

    def _key(self, row: Row) -> Key:
        return tuple(row[name] for name in self._keys)
