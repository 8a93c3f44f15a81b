"""Databases with tables that are lent: each is as its migrations leave it."""

import asyncpg
import pytest

from services.console.app import MIGRATIONS
from tests.integration.local.test_databases import what_is_in
from tests.support.databases import Databases, plain
from tests.support.migrated import migrated
from tests.support.tables import Tables

ROWS = """
INSERT INTO mentions SELECT 'w', number, 's', 'post', 't', 'u', 'a', '[]', now(), now()
FROM generate_series(1, 100) number
"""


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(plain(url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_one_that_comes_back_is_lent_again_as_its_migrations_leave_it(databases: Databases) -> None:
    tables = Tables(databases, MIGRATIONS)
    with tables.lent() as url:
        await execute(url, ROWS)
        left_open = await asyncpg.connect(plain(url))
        await left_open.execute("BEGIN; LOCK TABLE posts")

    with tables.lent() as again, databases.lent() as other:
        await migrated(other, MIGRATIONS)
        assert again == url
        assert left_open.is_closed()
        assert what_is_in(again) == what_is_in(other)


async def test_numbers_begin_anew(databases: Databases) -> None:
    tables = Tables(databases, MIGRATIONS)
    with tables.lent() as url:
        numbered = await all_numbered(url)
        assert numbered
        for sequence in numbered:
            await execute(url, f"SELECT nextval('{sequence}'), nextval('{sequence}')")

    with tables.lent() as again:
        assert again == url
        assert set((await all_numbered(again)).values()) == {None}


async def all_numbered(url: str) -> dict[str, int | None]:
    """Every sequence with the last number that it gave."""
    connection = await asyncpg.connect(plain(url))
    rows = await connection.fetch("SELECT sequencename, last_value FROM pg_sequences")
    await connection.close()
    return {row["sequencename"]: row["last_value"] for row in rows}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id int)",
        "ALTER TABLE posts ADD more int",
        "ALTER TABLE posts ALTER state DROP NOT NULL",
        "CREATE INDEX more ON posts (state)",
        "ALTER TABLE posts ADD CONSTRAINT more CHECK (true)",
        "DROP TABLE mentions",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA more",
        "UPDATE alembic_version_console SET version_num = '0001'",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
        f"{ROWS}; ANALYZE mentions",
    ],
)
async def test_one_that_is_no_longer_as_it_was_made_is_not_lent_with_its_tables(
    databases: Databases, statement: str
) -> None:
    tables = Tables(databases, MIGRATIONS)
    with tables.lent() as url:
        await execute(url, statement)

    with databases.lent() as emptied, tables.lent():
        assert emptied == url
        assert "CREATE TABLE" not in what_is_in(emptied)
