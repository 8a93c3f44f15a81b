"""A service's tables in a test's database: by its migrations the first time, on SQLite by a copy from then on."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database.migrations import migrate

_EMPTY: dict[Path, bytes] = {}
"""By the migrations that made it, an SQLite database as they leave it."""


async def migrated(url: str, migrations: Path) -> None:
    """Give an empty database the tables that the migrations make."""
    file = Path(make_url(url).database or "")
    if not url.startswith("sqlite"):
        await migrate(url, migrations)
    elif empty := _EMPTY.get(migrations):
        await asyncio.to_thread(file.write_bytes, empty)
    else:
        await migrate(url, migrations)
        _EMPTY[migrations] = await asyncio.to_thread(file.read_bytes)


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
