"""Alembic migrations at start: each service brings its own database up to date, one replica at a time.

Every service counts its migrations in a table of its own name, so that two which are given one database by mistake are
told so: the names of their tables clash. Databases of before have the count in `alembic_version`, which is renamed.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database.errors import is_passing
from shared.database.refusals import why_unusable
from shared.database.upgrading import UPGRADING

LOCK_KEY = 0x71ABA11
AGAIN_SECONDS = 1.0
SHARED_NAME = "alembic_version"
_TAKES_AS_LONG_AS_IT_TAKES = text(
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN "
    "('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')"
)
"""A role, a database or a server may have limits: an upgrade that one of them ends begins anew, and is ended again."""

Tell = Callable[[str], None]
"""Takes what is being waited for."""

log = structlog.get_logger()


class NotOurs(Exception):
    """The database belongs to others or to a newer release; the message says what to do."""


def _to_nobody(_: str) -> None:
    return


async def migrate_when_there(database_url: str, migrations: Path, tell: Tell = _to_nobody) -> None:
    """Like `migrate`, however long the database is away, full, or refuses the login; each try says why."""
    while True:
        try:
            return await migrate(database_url, migrations, tell)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("database_not_reached", reason=why_unusable(error))
            tell(why_unusable(error))
        await asyncio.sleep(AGAIN_SECONDS)


async def migrate(database_url: str, migrations: Path, tell: Tell = _to_nobody) -> None:
    """Run the service's migrations under a lock that other replicas wait for; NotOurs where they must not run.

    What takes long is told.
    """
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, migrations, tell)
            await connection.commit()
    finally:
        await engine.dispose()


def table_of_count(service: str) -> str:
    """The table that says at which migration a service's database is."""
    return f"{SHARED_NAME}_{service}"


def _upgrade(connection: Connection, migrations: Path, tell: Tell) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKES_AS_LONG_AS_IT_TAKES)
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
    else:
        connection.exec_driver_sql("PRAGMA busy_timeout=30000")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    config.attributes["tell"] = tell
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise NotOurs(
            f"a newer release has changed this database ({error}): start that one, or restore a backup"
        ) from error


def run_migrations(metadata: MetaData, *, service: str, known_by: str) -> None:
    """The body of a service's `migrations/env.py`; `known_by` is a table that no other service has ever had."""
    connection = context.config.attributes["connection"]
    counted_in = table_of_count(service)
    _make_ours(connection, metadata, counted_in, known_by)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=counted_in,
        render_as_batch=True,
        transactional_ddl=False,
    )
    _tell_of_upgrade()
    context.run_migrations()


def _tell_of_upgrade() -> None:
    """Say that a database that is in use is being changed: until that is done, the service does no work."""
    script, before = ScriptDirectory.from_config(context.config), context.get_context().get_current_revision()
    if before is None:
        return
    script.get_revision(before)  # or CommandError: it is a newer release's
    if changes := len(list(script.iterate_revisions("head", before))):
        log.warning("database_upgrading", changes=changes, note="the service works when it is done; let it run")
        context.config.attributes["tell"](f"{UPGRADING} ({changes} changes); let it run")


def _make_ours(connection: Connection, metadata: MetaData, counted_in: str, known_by: str) -> None:
    """Take over the count of before; NotOurs where others have tables of the names that are needed."""
    tables = set(inspect(connection).get_table_names())
    if counted_in in tables:
        return
    if {SHARED_NAME, known_by} <= tables:
        connection.execute(text(f"ALTER TABLE {SHARED_NAME} RENAME TO {counted_in}"))
    elif taken := sorted(tables & set(metadata.tables)):
        raise NotOurs(
            f"another service's tables are in this database ({', '.join(taken)}): give each service a database of its "
            "own, or on PostgreSQL a schema (postgresql://…/database?options=-csearch_path%3Dschema)"
        )
