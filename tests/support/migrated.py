"""A service's tables in a test's database: by its migrations the first time, then by a copy of what they left."""

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database.migrations import migrate
from tests.support.databases import dump, plain

_FILES: dict[Path, bytes] = {}
"""By the migrations that made it, an SQLite database as they leave it."""
_STATEMENTS: dict[Path, str] = {}
"""By the migrations, the statements that make what they leave in a PostgreSQL database."""


async def migrated(url: str, migrations: Path) -> None:
    """Give an empty database the tables that the migrations make; one that has tables keeps them."""
    if url.startswith("sqlite"):
        await _as_file(url, Path(make_url(url).database or ""), migrations)
    else:
        await _as_statements(url, migrations)


async def _as_file(url: str, file: Path, migrations: Path) -> None:
    if await asyncio.to_thread(file.exists):
        return
    if known := _FILES.get(migrations):
        await asyncio.to_thread(file.write_bytes, known)
        return
    await migrate(url, migrations)
    _FILES[migrations] = await asyncio.to_thread(file.read_bytes)


async def _as_statements(url: str, migrations: Path) -> None:
    connection = await asyncpg.connect(plain(url))
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')"):
            return
        if known := _STATEMENTS.get(migrations):
            await connection.execute(known)
            return
    finally:
        await connection.close()
    await migrate(url, migrations)
    _STATEMENTS[migrations] = await asyncio.to_thread(dump, plain(url))


async def as_before(url: str, migrations: Path, revision: str) -> None:
    """Undo the migrations after this one."""

    def undo(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrations))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(undo)
    await engine.dispose()
