"""Each service counts its own migrations, and leaves the tables of others alone."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

import services.console.app
import services.maintenance.app
import services.monitor.app
import services.publisher.app
import services.scheduler.app
from shared.connections.database_address import database_address
from shared.database.migrations import NotOurs, migrate
from tests.support.migrated import as_before
from tests.support.processes import Process, environment

FOLDERS: dict[str, Path] = {
    app.NAME: app.MIGRATIONS
    for app in (
        services.console.app,
        services.maintenance.app,
        services.monitor.app,
        services.publisher.app,
        services.scheduler.app,
    )
}
SCHEDULER, MONITOR = FOLDERS["scheduler"], FOLDERS["monitor"]


async def run(url: str, *statements: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def count_of(url: str, table: str) -> str:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = str((await connection.execute(text(f"SELECT version_num FROM {table}"))).scalar_one())
    await engine.dispose()
    return found


@pytest.mark.parametrize("service", FOLDERS)
async def test_a_database_of_before_goes_on_where_it_was(database_url: str, service: str) -> None:
    await migrate(database_url, FOLDERS[service])
    own = f"alembic_version_{service}"
    before = await count_of(database_url, own)
    await run(database_url, f"ALTER TABLE {own} RENAME TO alembic_version")

    await migrate(database_url, FOLDERS[service])

    assert await count_of(database_url, own) == before


@pytest.mark.parametrize("second", sorted(FOLDERS.keys() - {"scheduler"}))
@pytest.mark.parametrize("is_of_before", [False, True])
async def test_a_second_service_in_one_database_is_refused(database_url: str, second: str, is_of_before: bool) -> None:
    await migrate(database_url, SCHEDULER)
    if is_of_before:
        await run(database_url, "ALTER TABLE alembic_version_scheduler RENAME TO alembic_version")

    with pytest.raises(NotOurs, match=r"tables are in.*give each service a database of its own"):
        await migrate(database_url, FOLDERS[second])

    await migrate(database_url, SCHEDULER)


async def test_of_two_that_start_at_once_in_one_database_one_is_refused(database_url: str) -> None:
    both = (migrate(database_url, SCHEDULER), migrate(database_url, MONITOR))

    outcomes = await asyncio.gather(*both, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "NotOurs"]


async def test_services_may_have_a_schema_each_in_one_database(postgres_url: str) -> None:
    for service, migrations in FOLDERS.items():
        await run(postgres_url, f"CREATE SCHEMA {service}")
        await migrate(database_address(f"{postgres_url}?options=-csearch_path%3D{service}"), migrations)

    assert await count_of(postgres_url, "scheduler.alembic_version_scheduler")
    assert await count_of(postgres_url, "monitor.alembic_version_monitor")


async def test_tables_of_another_program_are_no_hindrance(database_url: str) -> None:
    await run(database_url, "CREATE TABLE alembic_version (version_num TEXT)", "CREATE TABLE articles (id TEXT)")

    await migrate(database_url, SCHEDULER)

    assert await count_of(database_url, "alembic_version_scheduler")


async def test_a_database_of_a_newer_release_is_left_alone(database_url: str) -> None:
    await migrate(database_url, SCHEDULER)
    await run(database_url, "UPDATE alembic_version_scheduler SET version_num = '9999'")

    with pytest.raises(NotOurs, match="newer release"):
        await migrate(database_url, SCHEDULER)


async def test_an_upgrade_says_what_nobody_answers_for(database_url: str) -> None:
    """A new database, and one that is up to date, are nothing to wait for."""
    with capture_logs() as at_first:
        await migrate(database_url, SCHEDULER)
        await migrate(database_url, SCHEDULER)
    await as_before(database_url, SCHEDULER, "0005")

    with capture_logs() as later:
        await migrate(database_url, SCHEDULER)

    assert at_first == []
    assert [(entry["event"], entry["changes"]) for entry in later] == [("database_upgrading", 2)]


async def test_the_command_after_a_restore_leaves_a_newer_database_alone_and_says_so(
    tmp_path: Path, sqlite_url: str
) -> None:
    await migrate(sqlite_url, FOLDERS["publisher"])
    await run(sqlite_url, "UPDATE alembic_version_publisher SET version_num = '9999'")
    settings = environment(tmp_path, "amqp://127.0.0.1:1/", publisher=sqlite_url)

    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.publisher.restored"],
        env=settings,
        capture_output=True,
        text=True,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("TIMEBALL_PUBLISHER_DATABASE_URL: a newer release")


async def test_the_service_says_so_in_one_line_and_ends(tmp_path: Path, sqlite_url: str) -> None:
    await migrate(sqlite_url, SCHEDULER)

    monitor = Process.of("monitor", environment(tmp_path, "amqp://127.0.0.1:1/", monitor=sqlite_url), tmp_path)
    await monitor.start()

    assert await monitor.ended() == 2
    assert "\nTIMEBALL_MONITOR_DATABASE_URL: another service's tables" in f"\n{monitor.log.read_text()}"
    assert "Traceback" not in monitor.log.read_text()
