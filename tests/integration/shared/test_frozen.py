"""A process that freezes in the middle of a transaction keeps the others waiting for a while only."""

import asyncio

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

import shared.db
from shared.db import Database, is_passing


async def test_postgresql_takes_the_locks_of_a_frozen_process_away(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.db, "IDLE_TRANSACTION_MS", 300)
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
