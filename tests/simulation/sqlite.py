"""SQLite inside the loop: what SQLAlchemy needs of aiosqlite, with latency and errors that the world decides on."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from sqlite3 import OperationalError
from types import SimpleNamespace
from typing import Any, Protocol, Self

from sqlalchemy import event

from shared.db import Database
from tests.simulation.virtual_time import RUNNING, Process

BUSY_SECONDS = 10.0


class Weather(Protocol):
    """How the databases fare."""

    def statement_seconds(self, service: str, rows: int) -> float:
        """How long a statement takes; raises OperationalError where it fails."""
        ...

    def commit_seconds(self, service: str) -> float:
        """How long a commit takes."""
        ...

    def commit_fate(self, service: str) -> str:
        """`done`, `refused` (rolled back, with an error) or `unheard` (done, with an error)."""
        ...

    def committed(self, service: str) -> None:
        """Note a commit."""
        ...


@dataclass(eq=False)
class File:
    """One service's database; one connection at a time may write."""

    path: str
    service: str
    weather: Weather
    writer: "Connection | None" = None
    turns: list[asyncio.Future[None]] = field(default_factory=list)
    connections: list["Connection"] = field(default_factory=list)

    def release(self, connection: "Connection") -> None:
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
            connection.kill()


@dataclass(eq=False)
class Connection:
    """aiosqlite's connection, without its thread."""

    file: File
    owner: Process | None
    _conn: sqlite3.Connection
    is_dead: bool = False

    @property
    def _connection(self) -> sqlite3.Connection | None:
        return None if self.is_dead else self._conn

    @property
    def isolation_level(self) -> str | None:
        return self._conn.isolation_level

    @property
    def _tx(self) -> Any:
        """aiosqlite's queue to its thread: what is put there is done at once."""

        def put_nowait(job: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
            future, function = job
            future.set_result(function())

        return SimpleNamespace(put_nowait=put_nowait)

    def cursor(self) -> "Cursor":
        return Cursor(self, self._conn.cursor())

    async def create_function(self, *args: Any, **options: Any) -> None:
        self._conn.create_function(*args, **options)

    async def commit(self) -> None:
        """Commit; a crash may come before it or after it."""
        if self.is_dead or not self._conn.in_transaction:
            return
        weather, service = self.file.weather, self.file.service
        seconds, fate = weather.commit_seconds(service), weather.commit_fate(service)
        await asyncio.sleep(seconds / 2)
        if fate == "refused":
            raise OperationalError("disk I/O error")
        self._conn.commit()
        self.file.release(self)
        weather.committed(service)
        await asyncio.sleep(seconds / 2)
        if fate == "unheard":
            raise OperationalError("disk I/O error")

    async def rollback(self) -> None:
        if not self.is_dead:
            self._conn.rollback()
            self.file.release(self)

    async def close(self) -> None:
        self.kill()

    def stop(self) -> None:
        """What aiosqlite calls to let go of a connection that no longer answers."""
        self.kill()

    def kill(self) -> None:
        """Roll back and let go."""
        if not self.is_dead:
            self.is_dead = True
            self._conn.rollback()
            self._conn.close()
            self.file.release(self)
            self.file.connections.remove(self)

    async def begin_writing(self) -> None:
        """Wait for the write lock, as long as SQLite's busy timeout."""
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + BUSY_SECONDS
        while self.file.writer is not None:
            turn: asyncio.Future[None] = loop.create_future()
            self.file.turns.append(turn)
            try:
                async with asyncio.timeout_at(gives_up_at):
                    await turn
            except TimeoutError:
                raise OperationalError("database is locked") from None
        self.file.writer = self


@dataclass(eq=False)
class Cursor:
    """aiosqlite's cursor."""

    connection: Connection
    _cursor: sqlite3.Cursor

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid

    async def execute(self, sql: str, parameters: Any = ()) -> Self:
        """Run a statement at once, after the time it takes."""
        connection = self.connection
        if sql.startswith("PRAGMA"):
            sql = "PRAGMA synchronous=OFF" if sql.startswith("PRAGMA synchronous") else sql
        elif sql.startswith("BEGIN IMMEDIATE"):
            await connection.begin_writing()
        else:
            await self._wait(parameters)
        if connection.is_dead:
            raise OperationalError("no active connection")
        try:
            self._cursor.execute(sql, parameters)
        except BaseException:
            if sql.startswith("BEGIN IMMEDIATE"):
                connection.file.release(connection)
            raise
        return self

    async def _wait(self, parameters: Any) -> None:
        rows = len(parameters[0]) // 200 if parameters and isinstance(parameters[0], str) else 0
        seconds = self.connection.file.weather.statement_seconds(self.connection.file.service, rows)
        if seconds:
            await asyncio.sleep(seconds)

    async def executemany(self, sql: str, parameters: Iterable[Any]) -> Self:
        self._cursor.executemany(sql, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()


class ModelDatabase(Database):
    """The service's database with its connections in the loop; `files` knows the databases by their URLs."""

    def __init__(self, files: Mapping[str, File], compiled: dict[Any, Any], url: str) -> None:
        super().__init__(url)
        file = files[url]

        def lead_inside(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
            options["async_creator_fn"] = lambda *_given, **_options: _open(file)

        event.listen(self.engine.sync_engine, "do_connect", lead_inside)
        self.engine.sync_engine.update_execution_options(compiled_cache=compiled)


async def _open(file: File) -> Connection:
    """A connection that belongs to the process that asks for it."""
    connection = Connection(file, RUNNING.get(), sqlite3.connect(file.path, timeout=0))
    file.connections.append(connection)
    return connection
