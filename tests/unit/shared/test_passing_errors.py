"""Errors that pass by themselves are told from those that stay: no message is parked because of one that passes."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest
from asyncpg.exceptions import PostgresError
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.database.engine import Database
from shared.database.errors import (
    Conflict,
    FileReplaced,
    ReadOnly,
    TablesLocked,
    is_about_all_work,
    is_overtaken,
    is_passing,
)

PASS = {
    "08000": "connection exception",
    "08003": "connection does not exist",
    "08006": "connection failure",
    "25006": "read-only transaction",
    "25P03": "idle in transaction for too long",
    "28P01": "the password is being changed",
    "3D000": "the database is not there yet",
    "40001": "serialization failure",
    "40P01": "deadlock",
    "53100": "disk full",
    "53200": "out of memory",
    "53300": "too many connections",
    "55P03": "lock not available",
    "57014": "cancelled by a time limit",
    "57P01": "shutdown by an administrator",
    "57P02": "shutdown after a crash",
    "57P03": "starting up",
    "58000": "system error",
    "58030": "input or output error",
}
STAY = {
    "22003": "number out of range",
    "22021": "a character that cannot be stored",
    "23505": "unique violation",
    "25P02": "the transaction has failed before",
    "42501": "insufficient privilege",
    "42601": "syntax error",
    "42P01": "no such table",
    "54000": "too complex",
    "XX000": "internal error",
}


def from_postgres(state: str) -> PostgresError:
    return PostgresError.new({"C": state, "M": "as the server says it"})


def through_sqlalchemy(error: Exception) -> DBAPIError:
    translated = AsyncAdapt_asyncpg_dbapi.Error("as SQLAlchemy says it", error)  # type: ignore[no-untyped-call]
    translated.__cause__ = error
    return DBAPIError("UPDATE", {}, translated)


@pytest.mark.parametrize("state", [*PASS, *STAY], ids=lambda state: f"{state} {(PASS | STAY)[state]}")
def test_what_postgresql_says_passes_or_stays(state: str) -> None:
    error = from_postgres(state)

    assert (is_passing(error), is_passing(through_sqlalchemy(error))) == (state in PASS, state in PASS)


@pytest.mark.parametrize("state", [*PASS, *STAY])
def test_what_others_changed_first_may_be_done_again_at_once(state: str) -> None:
    assert is_overtaken(through_sqlalchemy(from_postgres(state))) is (state in ("40001", "40P01"))
    assert is_overtaken(Conflict("another replica was first"))


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.exceptions.ConnectionDoesNotExistError("gone in the middle of an operation"), True),
        (asyncpg.exceptions._base.DataError("invalid input for query argument $1"), False),
    ],
)
def test_what_asyncpg_says_passes_or_stays(error: Exception, passing: bool) -> None:
    assert (is_passing(error), is_passing(through_sqlalchemy(error))) == (passing, passing)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (Conflict("another replica was first"), True),
        (ReadOnly("for a while"), True),
        (FileReplaced("for a while"), True),
        (PoolTimeoutError("no connection is free"), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (DBAPIError("UPDATE", {}, Exception("gone"), connection_invalidated=True), True),
        (DBAPIError("UPDATE", {}, Exception("never heard of")), False),
        (ValueError("wrong"), False),
        (KeyError("missing"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_other_errors_pass_or_stay(error: Exception, passing: bool) -> None:
    assert is_passing(error) is passing


def connected(file: Path, mode: str = "rwc") -> closing[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{file}?mode={mode}", uri=True, timeout=0, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    return closing(connection)


def busy(file: Path) -> None:
    with connected(file) as one, connected(file) as other:
        one.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


def full(file: Path) -> None:
    with connected(file) as one:
        one.execute("PRAGMA max_page_count = 3")
        one.executescript("CREATE TABLE filled (text); INSERT INTO filled VALUES (zeroblob(100000))")


def read_only(file: Path) -> None:
    with connected(file), connected(file, mode="ro") as one:
        one.execute("CREATE TABLE refused (text)")


def no_such_folder(file: Path) -> None:
    sqlite3.connect(file / "nowhere" / "x.db").execute("SELECT 1")


def a_disk_that_fails(file: Path) -> None:
    with connected(file) as one, a_full_disk():
        one.execute("CREATE TABLE refused (text)")


@contextmanager
def a_full_disk() -> Iterator[None]:
    """No file of this process may grow, as on a disk without room."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def no_such_table(file: Path) -> None:
    with connected(file) as one:
        one.execute("SELECT * FROM nothing")


def no_sql(file: Path) -> None:
    with connected(file) as one:
        one.execute("SELEKT 1")


def twice(file: Path) -> None:
    with connected(file) as one:
        one.executescript("CREATE TABLE keys (key PRIMARY KEY); INSERT INTO keys VALUES (1), (1)")


@pytest.mark.parametrize(
    ("provoke", "passing"),
    [
        (busy, True),
        (full, True),
        (read_only, True),
        (no_such_folder, True),
        (a_disk_that_fails, True),
        (no_such_table, False),
        (no_sql, False),
        (twice, False),
    ],
)
def test_what_sqlite_says_passes_or_stays(provoke: Callable[[Path], None], passing: bool, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error) as caught:
        provoke(tmp_path / "x.db")

    assert is_passing(OperationalError("UPDATE", {}, caught.value)) is passing


async def test_a_server_that_is_away_passes() -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")

    with pytest.raises(Exception) as away:
        await database.try_writing()
    await database.close()

    assert is_passing(away.value)


async def test_a_full_disk_passes_and_takes_no_write(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    await database.try_writing()

    with a_full_disk(), pytest.raises(OperationalError) as caught:
        await database.try_writing()
    assert is_passing(caught.value)

    await database.try_writing()
    await database.close()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (ReadOnly("read-only"), True),
        (Conflict("overtaken"), False),
        (TablesLocked("tables are locked"), False),
        (ValueError("a message is at fault"), False),
    ],
)
def test_what_concerns_the_database_as_a_whole(error: Exception, expected: bool) -> None:
    assert is_about_all_work(error) is expected
