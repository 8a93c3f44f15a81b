"""SQLite inside the loop, with latency and errors that the world decides on.

`shared.database.engine.Database` runs as it is; what it gets in place of SQLAlchemy's AsyncEngine talks to SQLite at
once, in the loop, and waits as long as the world says. Statements, results and errors are SQLAlchemy's own.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, Self

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from shared.database.engine import Database
from tests.simulation.folders import connected
from tests.simulation.statements import Statement, compiled
from tests.simulation.virtual_time import RUNNING, Process

BUSY_SECONDS = 10.0
BUSY, IO_ERROR, FULL = 5, 10, 13
MESSAGES = {BUSY: "database is locked", IO_ERROR: "disk I/O error", FULL: "database or disk is full"}
BYTES_PER_ROW = 300
_COMPILED: dict[Any, Any] = {}
_KNOWN: dict[tuple[int, tuple[str, ...]], tuple[Any, Statement | None]] = {}
"""Statements that have come before, and as what they were compiled, where they could be."""


class Weather(Protocol):
    """How the databases fare."""

    def statement_error(self, service: str) -> int | None:
        """SQLite's code of the error with which a statement fails, or None."""
        ...

    def statement_seconds(self, service: str, rows: int) -> float:
        """How long a statement takes."""
        ...

    def commit_seconds(self, service: str) -> float:
        """How long a commit takes."""
        ...

    def commit_fate(self, service: str) -> str:
        """`done`, `refused` (rolled back, with an error) or `unheard` (done, with an error)."""
        ...


def failed(code: int) -> OperationalError:
    """SQLite's error as SQLAlchemy raises it."""
    error = sqlite3.OperationalError(MESSAGES[code])
    error.sqlite_errorcode = code
    return OperationalError("", None, error)


@dataclass(eq=False)
class File:
    """One service's database; one connection at a time may write."""

    path: str
    service: str
    weather: Weather
    on_error: Callable[[str], None] = lambda _: None
    """Called with what SQLite itself refuses: what the weather makes fail never comes to it."""
    writer: Any = None
    turns: list[asyncio.Future[None]] = field(default_factory=list)
    connections: list["ModelConnection"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine: Engine = create_engine(
            "sqlite://", creator=lambda: connected(self.path), poolclass=NullPool, isolation_level="AUTOCOMMIT"
        ).execution_options(compiled_cache=_COMPILED)

    @cached_property
    def reader(self) -> sqlite3.Connection:
        """A connection of the world outside, to look at what is committed."""
        return connected(self.path)

    def known(self, statement: Any, parameters: Mapping[str, Any]) -> Statement | None:
        """The statement, compiled; None where only SQLAlchemy itself can execute it."""
        identity = id(statement), tuple(parameters)
        if identity not in _KNOWN:
            _KNOWN[identity] = statement, compiled(statement, parameters, self.engine.dialect)
        return _KNOWN[identity][1]

    async def begin_writing(self, connection: "ModelConnection") -> None:
        """Wait for the write lock, as long as SQLite's busy timeout."""
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + BUSY_SECONDS
        while self.writer is not None:
            turn: asyncio.Future[None] = loop.create_future()
            self.turns.append(turn)
            try:
                async with asyncio.timeout_at(gives_up_at):
                    await turn
            except TimeoutError:
                raise failed(BUSY) from None
        self.writer = connection

    def release(self, connection: "ModelConnection") -> None:
        """Let the others try to write."""
        if self.writer is connection:
            self.writer = None
            turns, self.turns = self.turns, []
            for turn in turns:
                if not turn.done():
                    turn.set_result(None)

    def lose(self, process: Process) -> None:
        """Roll back what a process that died had not committed."""
        for connection in [one for one in self.connections if one.owner is process]:
            connection.rollback()
            connection.is_dead = True
            self.connections.remove(connection)


class ModelConnection:
    """What the stores use of SQLAlchemy's AsyncConnection."""

    def __init__(self, file: File, owner: Process | None) -> None:
        self.file, self.owner, self.is_dead = file, owner, False
        self._connection: Connection = file.engine.connect()
        self._raw: Any = self._connection.connection.dbapi_connection

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Run a statement at once, after the time it takes."""
        weather, service = self.file.weather, self.file.service
        if (code := weather.statement_error(service)) is not None:
            raise failed(code)
        if seconds := weather.statement_seconds(service, _rows(parameters)):
            await asyncio.sleep(seconds)
        try:
            return self._executed(statement, parameters)
        except DBAPIError as error:
            self.file.on_error(f"{service}: {error}")
            raise

    def _executed(self, statement: Any, parameters: Any) -> Any:
        if known := self.file.known(statement, parameters or {}):
            return known.execute(self._raw, parameters or {})
        result: Any = self._connection.execute(statement, parameters)
        if result.returns_rows:
            result.cursor_strategy = FullyBufferedCursorFetchStrategy(result.cursor)
        return result

    async def execution_options(self, **_: Any) -> Self:
        """What asks for single reads gets them: each statement outside of a transaction is one."""
        return self

    async def begin(self) -> None:
        """Begin a transaction that writes."""
        await self.file.begin_writing(self)
        self._raw.execute("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        """Commit; a crash may come before it or after it."""
        weather, service = self.file.weather, self.file.service
        seconds, fate = weather.commit_seconds(service), weather.commit_fate(service)
        await asyncio.sleep(seconds / 2)
        if fate == "refused":
            raise failed(IO_ERROR)
        self._raw.execute("COMMIT")
        self.file.release(self)
        await asyncio.sleep(seconds / 2)
        if fate == "unheard":
            raise failed(IO_ERROR)

    def rollback(self) -> None:
        """Undo what is not committed."""
        if self._raw.in_transaction and not self.is_dead:
            self._raw.execute("ROLLBACK")
        self.file.release(self)


def _rows(parameters: Any) -> int:
    given = parameters.get("rows") if isinstance(parameters, Mapping) else None
    return len(given) // BYTES_PER_ROW + 1 if isinstance(given, str) else 0


class ModelEngine:
    """What `shared.database.engine.Database` uses of SQLAlchemy's AsyncEngine."""

    def __init__(self, file: File) -> None:
        self.dialect = file.engine.dialect
        self._file = file
        self._idle: list[ModelConnection] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[ModelConnection]:
        """A transaction."""
        connection = self._take()
        try:
            await connection.begin()
            yield connection
            await connection.commit()
        finally:
            connection.rollback()
            self._idle.append(connection)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ModelConnection]:
        """A connection for single reads."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    async def dispose(self) -> None:
        """Let go of all connections."""
        self._idle = []

    def _take(self) -> ModelConnection:
        if self._idle:
            return self._idle.pop()
        connection = ModelConnection(self._file, RUNNING.get())
        self._file.connections.append(connection)
        return connection


class ModelDatabase(Database):
    """The service's database; `files` knows the databases by their URLs."""

    engine: Any

    def __init__(self, files: Mapping[str, File], url: str) -> None:
        super().__init__(url)
        self.engine = ModelEngine(files[url])
