"""A service's database: SQLite for one machine, PostgreSQL for several, with the same promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, String, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator, TypeEngine

BUSY_TIMEOUT_MS = 10_000
POSTGRES_SETTINGS = {
    # how long, in milliseconds, a process that is frozen in the middle of a transaction keeps its locks
    "idle_in_transaction_session_timeout": "10000",
    # planning takes 0.1 ms; a plan kept from when a table was empty reads the whole table, until it is analysed
    "plan_cache_mode": "force_custom_plan",
}


class Conflict(Exception):
    """Another replica changed the same rows first; decide again on what is there now."""


class InstantColumn(TypeDecorator[datetime]):
    """An aware UTC instant: `timestamptz` on PostgreSQL, text that sorts by time on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return as_text(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        assert isinstance(value, datetime)
        # asyncpg takes the first and the last instant there are for infinity, and infinity has no zone
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


@lru_cache(maxsize=256)  # the rows of one transaction have many instants in common
def as_text(instant: datetime) -> str:
    """The instant in UTC as RFC 3339 text of fixed width."""
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")


class Database:
    """An engine whose write transactions on SQLite queue up instead of failing with BUSY."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = url
        self.engine = _engine(url, pool_size)
        self.dialect = self.engine.dialect.name
        self._one_writer = asyncio.Lock() if self.dialect == "sqlite" else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block and rolls back on an error."""
        async with AsyncExitStack() as stack:
            if self._one_writer:
                await stack.enter_async_context(self._one_writer)
            yield await stack.enter_async_context(self.engine.begin())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single reads, which takes no write lock."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def is_passing(error: BaseException) -> bool:
    """Whether the database may do the same work a little later: it was away, busy or overtaken."""
    if isinstance(error, Conflict | OperationalError | InterfaceError | PoolTimeoutError | OSError | TimeoutError):
        return True
    return isinstance(error, DBAPIError) and (error.connection_invalidated or _sqlstate(error) in _PASSING_STATES)


_PASSING_STATES = {"40001", "40P01", "57P01", "57P02", "57P03", "55P03", "53300", "25P03"}
"""serialization failure, deadlock, shutdown (three kinds), lock not available, too many connections, idle too long"""


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", ""))


def _engine(url: str, pool_size: int) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={"server_settings": POSTGRES_SETTINGS},
        )
    engine = create_async_engine(url, pool_size=pool_size, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    """Take the write lock first: a transaction that reads and then writes would get BUSY in the middle."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
