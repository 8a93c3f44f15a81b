"""What the services ask of PostgreSQL when they connect."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.exc import DBAPIError

from services.publisher.tables import metadata, publications
from shared.database import bulk
from shared.database.engine import POSTGRES_SETTINGS, Database
from shared.database.errors import ReadOnly, is_passing
from tests.support.publications import a_publication
from tests.support.waiting import PATIENCE, eventually
from tests.support.wire import LONGEST_HOLD, Wire

PLANS_UNTIL_ONE_IS_KEPT = 5


async def test_postgresql_takes_the_locks_of_a_frozen_process_away(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POSTGRES_SETTINGS, "idle_in_transaction_session_timeout", "300")
    frozen, other = Database(postgres_url), Database(postgres_url)
    async with other.transaction() as connection:
        await connection.run_sync(_one_row)

    with pytest.raises(DBAPIError) as caught:
        async with frozen.transaction() as held:
            await held.execute(text("UPDATE rows SET value = 1"))
            async with asyncio.timeout(PATIENCE), other.transaction() as connection:
                await connection.execute(text("UPDATE rows SET value = 2"))
            await held.execute(text("UPDATE rows SET value = 3"))

    assert is_passing(caught.value)
    async with frozen.reading() as connection:
        assert (await connection.execute(text("SELECT value FROM rows"))).scalar() == 2
    await frozen.close()
    await other.close()


async def test_a_server_that_vanishes_without_a_word_is_given_up_and_found_again(postgres_url: str) -> None:
    limit = timedelta(seconds=1)
    async with Wire.to(postgres_url) as wire, opened(wire.url) as database:
        async with database.transaction() as connection:
            await connection.run_sync(_one_row)
        wire.is_held = True
        began = time.monotonic()

        errors = await asyncio.gather(*(_count(database, limit) for _ in range(5)), return_exceptions=True)
        assert [type(error) for error in errors] == [TimeoutError] * 5
        assert time.monotonic() - began < LONGEST_HOLD

        wire.is_held = False
        await asyncio.gather(*(_count(database, 5 * limit) for _ in range(5)))


async def test_connections_that_the_server_has_closed_are_replaced_before_anybody_notices(postgres_url: str) -> None:
    async with opened(postgres_url) as database, opened(postgres_url) as other:
        connections: list[Any] = []
        event.listen(database.engine.sync_engine, "connect", lambda one, _: connections.append(one.driver_connection))
        await asyncio.gather(*(database.try_writing() for _ in range(5)))
        async with other.reading() as connection:
            await connection.execute(_CLOSE_ALL_OTHERS)
        await eventually(lambda: all(one.is_closed() for one in connections))

        await asyncio.gather(*(database.try_writing() for _ in range(5)))


_CLOSE_ALL_OTHERS = text("""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
""")


async def test_a_commit_that_hangs_is_given_up(postgres_url: str) -> None:
    async with Wire.to(postgres_url) as wire, opened(wire.url) as database:
        async with database.transaction() as connection:
            await connection.run_sync(_one_row)
        began = time.monotonic()

        with pytest.raises(TimeoutError):
            async with database.transaction(within=timedelta(seconds=1)) as connection:
                await connection.execute(text("UPDATE rows SET value = value + 1"))
                wire.is_held = True

        assert time.monotonic() - began < LONGEST_HOLD
        wire.is_held = False


async def test_a_transaction_may_take_long_while_the_server_answers(postgres_url: str) -> None:
    limit = timedelta(seconds=4)
    async with opened(postgres_url) as database, database.transaction(within=limit) as connection:
        for _ in range(3):
            await connection.execute(select(func.pg_sleep(limit.total_seconds() / 2)))


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO rows (value) VALUES (7654321), (7654321)", "INSERT INTO rows (value, name) VALUES (7654321, NULL)"],
)
async def test_an_error_quotes_no_row(postgres_url: str, statement: str) -> None:
    async with opened(postgres_url) as database:
        async with database.transaction() as connection:
            await connection.execute(text("CREATE TABLE rows (value int UNIQUE, name text NOT NULL DEFAULT '')"))

        with pytest.raises(DBAPIError, match="violates") as caught:
            async with database.transaction() as connection:
                await connection.execute(text(statement))

        without_statement = "".join(traceback.format_exception(caught.value)).replace(statement, "")
        assert "7654321" not in without_statement


async def _count(database: Database, limit: timedelta) -> None:
    async with database.transaction(within=limit) as connection:
        await connection.execute(text("UPDATE rows SET value = value + 1"))


async def test_a_server_that_is_read_only_for_a_while_answers_but_takes_no_write(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        async with read_only(database):
            await eventually(lambda: _refuses(database), what="the setting is in force")
            with pytest.raises(DBAPIError) as refused:
                async with database.transaction() as connection:
                    await connection.run_sync(_one_row)
            assert is_passing(refused.value)

        await eventually(lambda: _takes_a_write(database), what="it takes writes again")


async def test_the_check_of_the_database_writes_a_file_for_on_a_full_disk_its_log_has_room_for_long(
    postgres_url: str,
) -> None:
    async with opened(postgres_url) as database:
        await database.try_writing()

        await eventually(lambda: _has_written_files(database), what="the statistics know of a file")


async def _has_written_files(database: Database) -> bool:
    (found,) = await database.rows(
        text("SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"),
    )
    return bool(found["temp_bytes"] > 100_000)


async def _refuses(database: Database) -> bool:
    return not await _takes_a_write(database)


async def _takes_a_write(database: Database) -> bool:
    try:
        await database.try_writing()
    except ReadOnly:
        return False
    return True


@asynccontextmanager
async def read_only(database: Database) -> AsyncIterator[None]:
    """The whole server takes no writes, as in a failover."""
    await _alter(database, "SET default_transaction_read_only = on")
    try:
        yield
    finally:
        await _alter(database, "RESET default_transaction_read_only")


async def _alter(database: Database, change: str) -> None:
    async with database.reading() as connection:
        await connection.execute(text(f"ALTER SYSTEM {change}"))
        await connection.execute(text("SELECT pg_reload_conf()"))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.close()


def _one_row(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE rows (value integer)"))
    connection.execute(text("INSERT INTO rows VALUES (0)"))


async def test_posts_are_found_by_their_keys_though_the_table_was_empty_at_first(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
        find = bulk.select_by_key(publications, database.dialect, lock=True)
        for _ in range(2 * PLANS_UNTIL_ONE_IS_KEPT):
            await connection.execute(find, bulk.encode([{"post_id": "p7", "account_id": "account"}]))
        posts = [a_publication(post_id=f"p{number}", request="x" * 900) for number in range(10_000)]
        await connection.execute(bulk.insert_missing(publications, database.dialect), bulk.encode_records(posts))
        before = (await connection.execute(_ROWS_READ)).scalar_one()
        found = await connection.execute(find, bulk.encode([{"post_id": "p7", "account_id": "account"}]))
        assert [row.post_id for row in found] == ["p7"]
        assert (await connection.execute(_ROWS_READ)).scalar_one() == before
    await database.close()


_ROWS_READ = text("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'publications'")
