"""The inbox at its database: of many deliveries of a message, one is told that it is new."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import MetaData, select

from shared.database.engine import Database
from shared.messaging.inbox import Inbox, inbox_table

metadata = MetaData()
table = inbox_table(metadata)
NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def remember(database: Database, *message_ids: str) -> set[str]:
    async with database.transaction() as connection:
        return await Inbox(table, database).remember(connection, message_ids, NOON)


async def test_a_message_is_new_once(database: Database) -> None:
    assert await remember(database, "m-1", "m-2") == {"m-1", "m-2"}
    assert await remember(database, "m-2", "m-3") == {"m-3"}
    assert await remember(database, "m-1", "m-2", "m-3") == set()


async def test_a_message_twice_in_a_group_is_new_once(database: Database) -> None:
    assert await remember(database, "m-1", "m-1") == {"m-1"}


async def test_no_messages_are_no_trouble(database: Database) -> None:
    assert await remember(database) == set()


async def test_what_is_rolled_back_was_never_taken(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await Inbox(table, database).remember(connection, ["m-1"], NOON)
            raise RuntimeError("changed my mind")

    assert await remember(database, "m-1") == {"m-1"}


async def test_of_many_at_once_one_is_told_that_it_is_new(database: Database) -> None:
    told = await asyncio.gather(*(remember(database, "m-1", f"own-{number}") for number in range(10)))

    assert sum("m-1" in new for new in told) == 1
    assert all(f"own-{number}" in new for number, new in enumerate(told))


async def test_when_it_came_is_kept(database: Database) -> None:
    await remember(database, "m-1")

    async with database.reading() as connection:
        assert (await connection.execute(select(table.c.received_at))).scalar_one() == NOON
