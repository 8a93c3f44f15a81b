"""A connection to SQLite that calls its thread once for a statement, and ends however often it is asked to."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import aiosqlite

ROWS_AT_ONCE = 64


class WholeCursor:
    """Runs a statement and takes all its rows in one call of the connection's thread.

    aiosqlite calls the thread four times for it: to open a cursor, to execute, to fetch and to close. On a machine with
    much to do each call waits for its turn twice, so that they, not SQLite, are what a transaction takes its time for.
    """

    arraysize = 1

    def __init__(self, connection: "SqliteConnection") -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "WholeCursor":
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""
        await self._connection.in_thread(lambda opened: self._take(opened.execute(statement, parameters)))

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters."""
        await self._connection.in_thread(lambda opened: self._take(opened.executemany(statement, parameters)))

    async def fetchall(self) -> Sequence[Any]:
        """The rows of the statement that ran last."""
        return self._rows

    async def close(self) -> None:
        """Nothing is open any more: it closed when it had its rows."""

    def _take(self, cursor: sqlite3.Cursor) -> None:
        with closing(cursor):
            self.description, self._rows = cursor.description, cursor.fetchall()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid


class SqliteConnection(aiosqlite.Connection):
    """SQLAlchemy's rollback after each read and each commit need not call the thread: no transaction is open.

    The thread ends with the first request to stop and would leave a second one unanswered for ever: SQLAlchemy asks
    again where the closing of a connection is cancelled, as it is when a service stops while it reads. Before it ends,
    the thread closes what it has opened, also for somebody who has not waited for it."""

    endings: "set[asyncio.Future[Any]]"
    """The ends of threads that have been asked to stop and have not stopped."""
    _ended: "asyncio.Future[Any] | None" = None
    _is_asked_to_stop = False
    _unanswered = 0
    """Calls that the thread may still carry out, among them those that were given up."""
    _opened: sqlite3.Connection | None = None

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(lambda: self._open(connector), ROWS_AT_ONCE)

    def cursor(self) -> WholeCursor:  # type: ignore[override]
        """A cursor, as SQLAlchemy uses one."""
        return WholeCursor(self)

    async def in_thread(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Have the thread do this with the connection."""
        await self._execute(lambda: work(self._conn))

    async def rollback(self) -> None:
        """End the transaction that is open or about to be, should there be one."""
        if self._unanswered or self.in_transaction:
            await super().rollback()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._unanswered += 1
        try:
            answer = await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        except Exception:
            self._unanswered -= 1
            raise
        self._unanswered -= 1
        return answer

    def stop(self) -> "asyncio.Future[Any] | None":
        """End the thread; all who ask wait for the same end."""
        if not self._is_asked_to_stop:
            self._is_asked_to_stop = True
            self._tx.put_nowait((None, self._close_what_is_open))
            self._ended = super().stop()
            if self._ended:
                self.endings.add(self._ended)
                self._ended.add_done_callback(self.endings.discard)
        return self._ended

    def _open(self, connector: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
        self._opened = connector()
        return self._opened

    def _close_what_is_open(self) -> None:
        if self._opened:
            self._opened.close()


def connect(database: str, *, endings: "set[asyncio.Future[Any]] | None" = None, **options: Any) -> SqliteConnection:
    """A connection that is opened when it is awaited; its thread keeps no process alive.

    Where a connection is given up, while it opens for instance, nobody waits for its thread, which would then answer
    a loop that may be closed: `endings` holds those threads' ends for whoever closes the loop.
    """
    connection = SqliteConnection(partial(sqlite3.connect, database, **options))
    connection.endings = set() if endings is None else endings
    connection._thread.daemon = True
    return connection
