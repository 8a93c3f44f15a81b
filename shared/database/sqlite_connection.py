"""A connection to SQLite that ends however often it is asked to."""

import asyncio
import sqlite3
from functools import partial
from typing import Any

import aiosqlite

ROWS_AT_ONCE = 64


class SqliteConnection(aiosqlite.Connection):
    """Its thread ends with the first request to stop and would leave a second one unanswered for ever: SQLAlchemy asks
    again where the closing of a connection is cancelled, as it is when a service stops while it reads."""

    _ended: "asyncio.Future[Any] | None" = None
    _is_asked_to_stop = False

    def stop(self) -> "asyncio.Future[Any] | None":
        """End the thread; all who ask wait for the same end."""
        if not self._is_asked_to_stop:
            self._is_asked_to_stop = True
            self._ended = super().stop()
        return self._ended


def connect(database: str, **options: Any) -> SqliteConnection:
    """A connection that is opened when it is awaited; its thread keeps no process alive."""
    connection = SqliteConnection(partial(sqlite3.connect, database, **options), ROWS_AT_ONCE)
    connection._thread.daemon = True
    return connection
