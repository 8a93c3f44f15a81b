"""A connection to SQLite calls its thread seldom, and ends, whoever is cancelled while it is closed."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, text
from sqlalchemy.exc import IntegrityError

from shared.database.engine import Database
from shared.database.errors import FileReplaced, is_passing
from shared.database.sqlite_connection import SqliteConnection, connect
from tests.support.waiting import PATIENCE, eventually

SLOW = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT sum(i) FROM n")
ONE = text("SELECT 1")
A_WHILE = 0.3


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call of a connection's thread that is waited for, but for opening and closing it."""
    made: list[str] = []
    execute: Callable[..., Awaitable[Any]] = SqliteConnection._execute

    async def counted(self: SqliteConnection, function: Any, *given: Any, **named: Any) -> Any:
        made.append(function.__name__)
        return await execute(self, function, *given, **named)

    monkeypatch.setattr(SqliteConnection, "_execute", counted)
    return made


async def read(database: Database, *statements: Executable) -> None:
    async with database.reading() as connection:
        for statement in statements:
            await connection.execute(statement)


async def write(database: Database, *statements: Executable) -> None:
    async with database.transaction() as connection:
        for statement in statements:
            await connection.execute(statement)


@pytest.mark.parametrize(("act", "around"), [(read, 0), (write, 2)])  # it begins and commits
async def test_a_statement_is_one_call_of_the_thread(tmp_path: Path, calls: list[str], act: Any, around: int) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    await act(database, ONE)
    calls.clear()

    await act(database, ONE, ONE, ONE)

    assert len(calls) == 3 + around, calls
    await database.close()


async def test_a_statement_answers_as_sqlite_does(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    await write(database, text("CREATE TABLE things (name TEXT PRIMARY KEY, count INTEGER)"))
    async with database.transaction() as connection:
        added = await connection.execute(text("INSERT INTO things VALUES ('a', 1), ('b', 2) RETURNING name"))
        assert added.scalars().all() == ["a", "b"]
        several = [{"name": name} for name in "cde"]
        assert (await connection.execute(text("INSERT INTO things VALUES (:name, 3)"), several)).rowcount == len(
            several
        )
        assert (await connection.execute(text("UPDATE things SET count = 4 WHERE count < 3"))).rowcount == 2

    with pytest.raises(IntegrityError, match="UNIQUE"):
        await write(database, text("INSERT INTO things VALUES ('z', 0)"), text("INSERT INTO things VALUES ('a', 0)"))

    found = await database.rows(text("SELECT name, count FROM things ORDER BY name"))
    assert {row["name"]: row["count"] for row in found} == {"a": 4, "b": 4, "c": 3, "d": 3, "e": 3}
    assert await database.rows(text("SELECT name FROM things WHERE count = 0")) == []
    await database.close()


async def test_a_transaction_that_begins_after_its_beginning_was_given_up_is_rolled_back(tmp_path: Path) -> None:
    """What the thread has taken up it does to the end, whether anybody waits for it or not."""
    connection, may_begin = connect(str(tmp_path / "x.db"), isolation_level=None), threading.Event()
    await connection

    def begin(opened: sqlite3.Connection) -> None:
        may_begin.wait(PATIENCE)
        opened.execute("BEGIN IMMEDIATE")

    beginning = asyncio.create_task(connection.in_thread(begin))
    await asyncio.sleep(0)
    beginning.cancel()
    with suppress(asyncio.CancelledError):
        await beginning
    rolling_back = asyncio.create_task(connection.rollback())
    await asyncio.sleep(0)
    may_begin.set()
    await rolling_back
    await connection.in_thread(lambda _: None)  # all that was asked before is done

    assert not connection.in_transaction
    await connection.close()


async def test_a_reader_waits_for_no_writer(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")

    async with database.transaction(), asyncio.timeout(PATIENCE):
        await read(database, ONE)

    await database.close()


@pytest.mark.parametrize("steps", range(0, 40, 2))
async def test_who_is_cancelled_again_while_a_connection_closes_ends(tmp_path: Path, steps: int) -> None:
    database, begun = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db"), asyncio.Event()

    async def read() -> None:
        async with database.reading() as connection:
            begun.set()
            await connection.execute(SLOW)

    reading = asyncio.create_task(read())
    await begun.wait()
    await asyncio.sleep(0)
    reading.cancel()
    for _ in range(steps):
        await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()  # as everything is that is left when a process ends
    if others:
        _, pending = await asyncio.wait(others, timeout=PATIENCE)
        assert not pending
    await database.close()
    await eventually(lambda: not [one for one in threading.enumerate() if "_connection_worker" in one.name])


def test_a_connection_given_up_while_it_opens_is_closed_and_answers_no_loop_that_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[threading.ExceptHookArgs] = []
    connections: list[sqlite3.Connection] = []
    opened, opens = sqlite3.connect, threading.Event()

    def open_slowly(database: str, **options: Any) -> Any:
        opens.set()
        time.sleep(A_WHILE)
        connections.append(opened(database, **options | {"check_same_thread": False}))
        return connections[-1]

    async def give_up() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
        reading = asyncio.create_task(read(database, ONE))
        await asyncio.to_thread(opens.wait, PATIENCE)
        reading.cancel()
        await asyncio.wait({reading})
        await database.close()

    monkeypatch.setattr(threading, "excepthook", failures.append)
    monkeypatch.setattr(sqlite3, "connect", open_slowly)
    asyncio.run(give_up())
    for one in threading.enumerate():
        if "_connection_worker" in one.name:
            one.join(PATIENCE)

    assert not failures, failures[0].exc_value
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connections[0].execute("SELECT 1")


WRITE = text("INSERT INTO posts VALUES (1)")


@pytest.mark.parametrize("another", [False, True], ids=["removed", "replaced"])
async def test_nothing_is_written_into_a_file_that_was_removed_or_replaced_until_it_is_back(
    tmp_path: Path, another: bool
) -> None:
    file, away = tmp_path / "service.db", tmp_path / "away.db"
    database = Database(f"sqlite+aiosqlite:///{file}")
    await write(database, text("CREATE TABLE posts (id INTEGER)"))
    file.rename(away)
    if another:
        file.touch()

    for work in (write(database, WRITE), database.try_writing(), _two_reads(database)):
        with pytest.raises(FileReplaced, match="put it back") as caught:
            await work
        assert is_passing(caught.value)
    was_made = file.exists()
    away.rename(file)
    await write(database, WRITE)

    assert was_made == another
    assert [row["id"] for row in await database.rows(text("SELECT id FROM posts"))] == [1]
    await database.close()


async def _two_reads(database: Database) -> None:
    """At one time, which takes a connection more than has been opened so far."""
    async with database.reading(), database.reading():
        return
