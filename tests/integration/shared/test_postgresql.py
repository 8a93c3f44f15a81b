"""What the services ask of PostgreSQL when they connect."""

import asyncio

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from services.publisher.tables import metadata, publications
from shared import bulk
from shared.db import POSTGRES_SETTINGS, Database, is_passing
from tests.support.publications import a_publication

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
            async with asyncio.timeout(10), other.transaction() as connection:
                await connection.execute(text("UPDATE rows SET value = 2"))
            await held.execute(text("UPDATE rows SET value = 3"))

    assert is_passing(caught.value)
    async with frozen.reading() as connection:
        assert (await connection.execute(text("SELECT value FROM rows"))).scalar() == 2
    await frozen.close()
    await other.close()


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
