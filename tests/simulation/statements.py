"""Statements, straight to SQLite: SQLAlchemy compiles them and says what goes in and comes out, once each.

What it does besides for each execution takes ten times as long as SQLite does.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError

from shared.database import bulk

Convert = Callable[[Any], Any]


class Result(IteratorResult[Any]):
    """SQLAlchemy's result, with how many rows were changed."""

    rowcount = -1


@dataclass(eq=False)
class Statement:
    """A statement as it is compiled for parameters of these names."""

    source: Any
    """Kept alive, so that its identity is that of no other."""
    text: str
    names: tuple[str, ...]
    usual: Mapping[str, Any]
    into: Mapping[str, Convert]
    types: Mapping[str, Convert | None]
    shape: tuple[SimpleResultMetaData, tuple[Convert | None, ...]] | None = None

    def execute(self, connection: sqlite3.Connection, parameters: Mapping[str, Any]) -> Result:
        """Run it; all rows are read at once."""
        values = [self._value(name, parameters) for name in self.names]
        try:
            cursor = connection.execute(self.text, values)
            rows = cursor.fetchall() if cursor.description else []
        except sqlite3.Error as error:
            raise DBAPIError.instance(self.text, values, error, sqlite3.Error) from error
        metadata, converts = self.shape = self.shape or self._shape_of(cursor.description or ())
        if any(converts):
            rows = [
                tuple([convert(value) if convert else value for convert, value in zip(converts, row, strict=True)])
                for row in rows
            ]
        result = Result(metadata, iter(rows))
        result.rowcount = cursor.rowcount
        return result

    def _value(self, name: str, parameters: Mapping[str, Any]) -> Any:
        value = parameters[name] if name in parameters else self.usual[name]
        convert = self.into.get(name)
        return convert(value) if convert else value

    def _shape_of(self, description: Any) -> tuple[SimpleResultMetaData, tuple[Convert | None, ...]]:
        names = [column[0] for column in description]
        return SimpleResultMetaData(names), tuple(self.types.get(name) for name in names)


_ALIKE: dict[Any, Any] = {}
"""What was compiled, by SQLAlchemy's key: statements that are alike but for the values in them have one."""


def compiled(source: Any, parameters: Mapping[str, Any], dialect: Dialect) -> Statement | None:
    """The statement for these parameters; None where only SQLAlchemy itself can execute it."""
    key = source._generate_cache_key()
    alike = (key.key, tuple(sorted(parameters))) if key else id(source)
    if alike not in _ALIKE:
        _ALIKE[alike] = source._compiler(dialect, column_keys=sorted(parameters), cache_key=key)
    made: Any = _ALIKE[alike]
    columns = made._result_columns
    is_plain = not (made.post_compile_params or made.literal_execute_params or made.isinsert)
    if not is_plain or len({one.keyname for one in columns}) < len(columns):
        return None
    return Statement(
        source,
        made.string,
        tuple(made.positiontup or ()),
        made.construct_params(dict(parameters), extracted_parameters=key.bindparams if key else None),
        {name: convert for name, convert in made._bind_processors.items() if not isinstance(convert, tuple)},
        {one.keyname: one.type._cached_result_processor(dialect, None) for one in columns},
    )


BULK = ("insert", "insert_missing", "insert_unknown", "upsert", "add", "update", "select_by_key", "delete_by_key")


def build_once() -> None:
    """Build a statement for many rows once in this process, not for each replica that starts: they are all alike."""
    for name in BULK:
        setattr(bulk, name, _remembering(getattr(bulk, name)))


def _remembering(build: Callable[..., Any]) -> Callable[..., Any]:
    built: dict[Any, Any] = {}

    def once(*given: Any, **named: Any) -> Any:
        key = tuple(map(_hashable, given)), tuple((name, _hashable(one)) for name, one in sorted(named.items()))
        if key not in built:
            built[key] = build(*given, **named)
        return built[key]

    return once


def _hashable(given: Any) -> Any:
    return tuple(given) if isinstance(given, list | tuple) else given
