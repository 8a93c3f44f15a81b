"""Many rows in one statement: the rows travel as one JSON parameter, on SQLite and PostgreSQL alike.

Against one bind parameter per value this needs a tenth of the client's time, and the statement's text never changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, get_type_hints

from pydantic_core import to_json
from sqlalchemy import Column, Dialect, Executable, Table, TextualSelect, text
from sqlalchemy.dialects import postgresql

from shared.database.engine import as_text

Row = Mapping[str, Any]

_POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def encode(rows: Iterable[Row]) -> dict[str, str]:
    """The bind parameter of a bulk statement; instants become text of fixed width, which SQLite sorts by time."""
    return {"rows": to_json([_plain(row) for row in rows]).decode()}


def encode_records(records: Iterable[Any]) -> dict[str, str]:
    """The bind parameter for dataclass instances, all of one class, whose fields are the columns."""
    return {"rows": to_json([row_of(record) for record in records]).decode()}


def row_of(record: Any, only: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A dataclass instance as a row, or some of its fields; without the copies that `dataclasses.asdict` makes."""
    record_class: type = type(record)
    names, instants, values_of = _shape(record_class, only)
    row = dict(zip(names, values_of(record), strict=True))
    for name in instants:
        if (instant := row[name]) is not None:
            row[name] = as_text(instant)
    return row


@cache
def _shape(
    record_class: type, only: tuple[str, ...] | None
) -> tuple[tuple[str, ...], tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """A dataclass's field names, those of its instants, and what reads them all."""
    names = only or tuple(field.name for field in fields(record_class))
    hints = get_type_hints(record_class)
    instants = tuple(name for name in names if hints[name] in (datetime, datetime | None))
    return names, instants, attrgetter(*names)


def _plain(row: Row) -> Row:
    return {name: as_text(value) if isinstance(value, datetime) else value for name, value in row.items()}


def rows_of(columns: Sequence[Column[Any]], dialect: str) -> str:
    """The parameter as a table expression with these columns."""
    if dialect == "sqlite":
        fields = ", ".join(f"value ->> '$.{column.name}' AS {column.name}" for column in columns)
        return f"(SELECT {fields} FROM json_each(:rows)) AS given"
    fields = ", ".join(f"{column.name} {column.type.compile(dialect=_POSTGRES)}" for column in columns)
    return f"json_to_recordset(CAST(:rows AS json)) AS given({fields})"


def insert_missing(table: Table, dialect: str) -> Executable:
    """Insert the rows whose primary key is not there yet; returns the keys inserted."""
    names = _names(table.columns)
    keys = list(table.primary_key)
    return text(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {rows_of(list(table.columns), dialect)} "
        f"WHERE true ON CONFLICT ({_names(keys)}) DO NOTHING RETURNING {_names(keys)}"
    ).columns(*keys)


def insert_unknown(table: Table, known_by: Sequence[str], dialect: str) -> Executable:
    """Insert rows, which the database numbers, but for those that it knows by these columns."""
    columns = [column for column in table.columns if not column.primary_key]
    names = _names(columns)
    return text(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {rows_of(columns, dialect)} "
        f"WHERE true ON CONFLICT ({', '.join(known_by)}) DO NOTHING"
    )


def insert(table: Table, columns: Sequence[Column[Any]], dialect: str) -> Executable:
    """Insert rows that are known to be new."""
    names = _names(columns)
    return text(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {rows_of(columns, dialect)}")


def upsert(
    table: Table, dialect: str, *, guard: str, returns_keys: bool = False, stay: Sequence[Column[Any]] = ()
) -> Executable:
    """Insert rows, or overwrite those for which `guard` (over the table and `excluded`) holds; columns may `stay`."""
    names = _names(table.columns)
    keys = list(table.primary_key)
    changed = [column for column in table.columns if column not in (*keys, *stay)]
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in changed)
    return text(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {rows_of(list(table.columns), dialect)} "
        f"WHERE true ON CONFLICT ({_names(keys)}) DO UPDATE SET {changes} WHERE {guard}"
        + (f" RETURNING {_names(keys)}" if returns_keys else "")
    )


def add(table: Table, number: Column[Any], dialect: str) -> Executable:
    """Add to the number in each row, which is inserted where there is none."""
    names, name = _names(table.columns), number.name
    return text(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {rows_of(list(table.columns), dialect)} WHERE true "
        f"ON CONFLICT ({_names(table.primary_key)}) DO UPDATE SET {name} = {table.name}.{name} + excluded.{name}"
    )


def update(
    table: Table,
    columns: Sequence[Column[Any]],
    dialect: str,
    *,
    guard: str = "true",
    compared: Sequence[Column[Any]] = (),
    also: str = "",
) -> Executable:
    """Update these columns by primary key where `guard` (over the table and `given`) holds; returns the keys.

    `compared` are columns that only the guard reads; `also` has changes that are the same for every row.
    """
    keys = list(table.primary_key)
    changes = [f"{column.name} = given.{column.name}" for column in columns] + ([also] if also else [])
    given = rows_of([*keys, *columns, *compared], dialect)
    return text(
        f"UPDATE {table.name} SET {', '.join(changes)} FROM {given} "
        f"WHERE {_matches(table, table.primary_key)} AND ({guard}) RETURNING {_names(keys, table.name)}"
    ).columns(*keys)


def select_by_key(
    table: Table, dialect: str, *, key: Sequence[Column[Any]] | None = None, lock: bool = False
) -> TextualSelect:
    """The whole rows with the given primary keys; `lock` keeps others from changing them until the commit.

    `key` may name the first columns of the primary key. SQLite finds the rows by their index; with the keys in a list
    of the statement, `(a, b) IN ((…), (…))`, it would read the whole table.
    """
    columns = list(key or table.primary_key)
    source = f"{table.name} JOIN {rows_of(columns, dialect)} ON {_matches(table, columns)}"
    locked = f" FOR UPDATE OF {table.name}" if lock and dialect != "sqlite" else ""
    return text(f"SELECT {_names(table.columns, table.name)} FROM {source}{locked}").columns(*table.columns)


def delete_by_key(table: Table, dialect: str) -> Executable:
    """Delete the rows with the given primary keys."""
    keys = list(table.primary_key)
    return text(
        f"DELETE FROM {table.name} WHERE ({_names(keys)}) IN (SELECT {_names(keys)} FROM {rows_of(keys, dialect)})"
    )


def _matches(table: Table, columns: Iterable[Column[Any]]) -> str:
    return " AND ".join(f"{table.name}.{column.name} = given.{column.name}" for column in columns)


def _names(columns: Iterable[Column[Any]], prefix: str = "") -> str:
    return ", ".join(f"{prefix}.{column.name}" if prefix else column.name for column in columns)
