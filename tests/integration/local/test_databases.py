"""Databases that are lent: each is as good as new."""

import re

import asyncpg

from deploy.local.postgres_node import PostgresNode
from services.console.app import MIGRATIONS
from shared.database.engine import Database
from shared.database.migrations import migrate
from tests.support.databases import Databases, dump, plain
from tests.support.migrated import migrated


async def has(url: str, question: str) -> bool:
    connection = await asyncpg.connect(plain(url))
    try:
        return bool(await connection.fetchval(f"SELECT EXISTS ({question})"))
    finally:
        await connection.close()


def what_is_in(url: str) -> str:
    """All that PostgreSQL says to be there; where it writes the casts of a list depends on how often it was read."""
    return re.sub(r"[()]|::character varying|::text(\[\])?", "", dump(plain(url)))


async def test_one_that_comes_back_is_lent_again_empty_with_nobody_in_it(postgres_node: PostgresNode) -> None:
    databases = Databases(postgres_node)
    with databases.lent() as url:
        left_open = await asyncpg.connect(plain(url))
        await left_open.execute("CREATE TABLE posts (id int); CREATE SCHEMA other; CREATE TABLE other.posts (id int)")
        await left_open.execute(f'ALTER DATABASE "{url.rpartition("/")[2]}" SET default_transaction_read_only = on')

    with databases.lent() as again:
        assert again == url
        assert not await has(url, "SELECT FROM pg_tables WHERE tablename = 'posts'")
        assert not await has(url, "SELECT FROM pg_namespace WHERE nspname = 'other'")
        assert not await has(url, "SELECT WHERE current_setting('transaction_read_only') = 'on'")
        assert left_open.is_closed()


async def test_a_copy_of_what_migrations_leave_is_what_they_leave(databases: Databases) -> None:
    with databases.lent() as original, databases.lent() as first, databases.lent() as copy:
        await migrate(original, MIGRATIONS)
        await migrated(first, MIGRATIONS)
        await migrated(copy, MIGRATIONS)

        assert what_is_in(copy) == what_is_in(first) == what_is_in(original)


async def test_tables_that_are_there_stay_as_they_are(databases: Databases) -> None:
    with databases.lent() as url:
        await migrated(url, MIGRATIONS)
        database = Database(url)
        async with database.transaction() as connection:
            await connection.exec_driver_sql("CREATE TABLE ours (id int)")
        await database.close()

        await migrated(url, MIGRATIONS)

        assert await has(url, "SELECT FROM pg_tables WHERE tablename = 'ours'")
