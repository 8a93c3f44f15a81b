"""The private PostgreSQL."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.postgres_node import PostgresNode


async def test_a_killed_cluster_comes_back_at_the_same_address(postgres_node: PostgresNode, postgres_url: str) -> None:
    engine = create_async_engine(postgres_url)
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL synchronous_commit = on"))
        await connection.execute(text("CREATE TABLE kept (word text)"))
        await connection.execute(text("INSERT INTO kept VALUES ('still here')"))
    await engine.dispose()

    await asyncio.to_thread(postgres_node.kill)
    await asyncio.to_thread(postgres_node.start)

    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT word FROM kept")) == "still here"
    await engine.dispose()


async def test_every_database_is_empty(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE mine (word text)"))
        rows = await connection.scalar(text("SELECT count(*) FROM mine"))
    await engine.dispose()

    assert rows == 0
