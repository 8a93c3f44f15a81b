"""A service's database: SQLite for one machine, PostgreSQL for several, with the same promises."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import asyncpg
from sqlalchemy import DateTime, Dialect, ExceptionContext, Executable, RowMapping, String, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator, TypeEngine

from shared.database.errors import ReadOnly
from shared.database.patience import patience, renew
from shared.database.sqlite_connection import connect
from shared.database.sqlite_file import SqliteFile

TRANSACTION_LIMIT = timedelta(seconds=10)
"""How long a transaction waits for an answer: for a connection, each statement, the commit. A server that vanished
without a word would otherwise be waited for until TCP gives up, a quarter of an hour later. One that answers slowly may
take as long as it needs in all: work that is given up is done again, and would be given up again."""
LONG_READ = timedelta(seconds=60)
"""The same for what adds up a whole day."""
POOL_SIZE = 5
"""Connections that are kept; PostgreSQL gives as many again while there is much to do."""
LIMIT_MS = TRANSACTION_LIMIT // timedelta(milliseconds=1)
BUSY_TIMEOUT_MS = LIMIT_MS // 2
POSTGRES_SETTINGS = {
    # how long, in milliseconds, a process that is frozen in the middle of a transaction keeps its locks
    "idle_in_transaction_session_timeout": str(LIMIT_MS),
    # the same for one whose machine has vanished, for those who wait for it, and for what nobody waits for any more
    "tcp_user_timeout": str(LIMIT_MS),
    "lock_timeout": str(LIMIT_MS),
    "statement_timeout": str(LONG_READ // timedelta(milliseconds=1)),
    # planning takes 0.1 ms; a plan kept from when a table was empty reads the whole table, until it is analysed
    "plan_cache_mode": "force_custom_plan",
    # compiling a statement takes a second where running it takes milliseconds: no statement here is that long
    "jit": "off",
}


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

    def __init__(self, url: str) -> None:
        self.url = url
        self._endings: set[asyncio.Future[Any]] = set()
        self.engine = _engine(url, self._endings)
        self.dialect = self.engine.dialect.name
        self._one_writer = asyncio.Lock() if self.dialect == "sqlite" else None
        self._file = SqliteFile(url) if self.dialect == "sqlite" else None
        if self._file:
            event.listen(self.engine.sync_engine, "do_connect", self._check_file)

    @asynccontextmanager
    async def transaction(self, *, within: timedelta = TRANSACTION_LIMIT) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block and rolls back on an error.

        TimeoutError when an answer takes too long; its connection is then thrown away, and it may have been committed.
        """
        alone = self._one_writer or nullcontext()
        async with alone, patience(within) as limit, self.engine.begin() as connection:
            self._check_file()
            yield await connection.execution_options(limit=limit)

    @asynccontextmanager
    async def reading(self, *, within: timedelta = TRANSACTION_LIMIT) -> AsyncIterator[AsyncConnection]:
        """A connection for single reads, which takes no write lock; TimeoutError when one of them takes too long."""
        async with patience(within) as limit, self.engine.connect() as connection:
            yield await connection.execution_options(**_READING[self.dialect], limit=limit)

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        """What a single read finds."""
        async with self.reading() as connection:
            found: Sequence[RowMapping] = (await connection.execute(statement, parameters)).mappings().all()
            return found

    async def write(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """Run one statement in a transaction of its own; how many rows it changed."""
        async with self.transaction() as connection:
            return (await connection.execute(statement, parameters)).rowcount

    async def try_writing(self) -> None:
        """Raise unless the database takes a write.

        It is a real one that needs no table and changes no row: on SQLite the first page again, on PostgreSQL a
        record of a few bytes in its log, flushed like any commit (each a millisecond or two), and a file of some
        hundred kilobytes that is gone at once: on a full disk the log has room for long, and tables have none.
        """
        async with self.transaction() as connection:
            if self.dialect == "sqlite":
                version = (await connection.execute(text("PRAGMA user_version"))).scalar_one()
                await connection.execute(text(f"PRAGMA user_version = {version}"))
            elif (await connection.execute(_WRITE)).scalar_one() == "on":
                raise ReadOnly("it is read-only")
            else:
                for statement in _SPILLS:
                    await connection.execute(statement)

    def _check_file(self, *_: object) -> None:
        if self._file:
            self._file.check()

    async def close(self) -> None:
        """Close every connection; those that were given up have ended as well."""
        await self.engine.dispose()
        if self._endings:
            await asyncio.wait(self._endings)


_READING: Mapping[str, Mapping[str, Any]] = {
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
    "sqlite": {"is_reading": True},  # it begins a transaction only when told to; AUTOCOMMIT calls its thread five times
}


def _engine(url: str, endings: set[asyncio.Future[Any]]) -> AsyncEngine:
    """Its errors quote no parameters and no rows: those have posts and secrets in them."""
    is_sqlite = url.startswith("sqlite")
    engine = _sqlite_engine(url, endings) if is_sqlite else _postgres_engine(url)
    event.listen(engine.sync_engine, "after_cursor_execute", renew)
    return engine


def _postgres_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        hide_parameters=True,
        pool_timeout=TRANSACTION_LIMIT.total_seconds(),
        connect_args={
            "server_settings": POSTGRES_SETTINGS,
            "timeout": TRANSACTION_LIMIT.total_seconds(),
            "connection_class": _Connection,
        },
    )
    event.listen(engine.sync_engine, "checkout", _replace_if_closed)
    event.listen(engine.sync_engine, "handle_error", _leave_out_detail)
    return engine


def _sqlite_engine(url: str, endings: set[asyncio.Future[Any]]) -> AsyncEngine:
    connect_args = {"timeout": BUSY_TIMEOUT_MS / 1000, "async_creator_fn": partial(connect, endings=endings)}
    engine = create_async_engine(url, pool_size=POOL_SIZE, hide_parameters=True, connect_args=connect_args)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that the kernel ends, whatever waits for it, when the server's machine does not answer any more."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *others: Any) -> None:
        super().__init__(protocol, transport, *others)
        connected = transport.get_extra_info("socket")
        if connected.family != socket.AF_UNIX:
            for level, option, value in _NOTICE:
                connected.setsockopt(level, option, value)


def _replace_if_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool open another connection: asyncpg notices when one is closed, so none need be tried first."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _leave_out_detail(context: ExceptionContext) -> None:
    """PostgreSQL's DETAIL quotes the row at fault, and SQLAlchemy's errors quote it twice more."""
    said = getattr(context.original_exception, "__cause__", None)
    if not isinstance(said, asyncpg.PostgresError) or said.detail is None:
        return
    full, said.detail = str(said), None
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            error.args = tuple(str(one).replace(full, str(said)) for one in error.args)


_NOTICE = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
    (socket.IPPROTO_TCP, getattr(socket, name), value)
    for name, value in (
        ("TCP_USER_TIMEOUT", LIMIT_MS),
        ("TCP_KEEPIDLE", 4),
        ("TCP_KEEPINTVL", 2),
        ("TCP_KEEPCNT", 3),
    )
    if hasattr(socket, name)
]
"""Socket options, where the system has them: probes after 4 s of silence, the end after three without an answer."""

_WRITE = text("SELECT current_setting('transaction_read_only'), pg_logical_emit_message(true, 'timeball', 'probe')")
_SPILLS = (
    text("SELECT set_config('work_mem', '64kB', true)"),
    text("SELECT count(*) FROM generate_series(1, 10000)"),  # more than this memory holds
)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    """Take the write lock first: a transaction that reads and then writes would get BUSY in the middle."""
    if not connection.get_execution_options().get("is_reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
