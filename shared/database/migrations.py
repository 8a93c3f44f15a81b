"""Alembic migrations at start: each service brings its own database up to date, one replica at a time."""

from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

LOCK_KEY = 0x71ABA11


async def migrate(database_url: str, migrations: Path) -> None:
    """Run the service's migrations under a lock that other replicas wait for."""
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, migrations)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, migrations: Path) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
    else:
        connection.exec_driver_sql("PRAGMA busy_timeout=30000")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_migrations(metadata: MetaData) -> None:
    """The body of a service's `migrations/env.py`."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=False)
    context.run_migrations()
