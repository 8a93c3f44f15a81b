"""What a service does while its database is upgraded, by itself or by a newer release beside it."""

import asyncio
import signal
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

import services.maintenance.app
import services.scheduler.app
from shared.database.engine import Database
from shared.database.migrations import migrate
from shared.database.revision import ChangedMeanwhile, RevisionWatch
from shared.events.base import ErrorDetail
from shared.events.publisher import PublishFailed
from tests.nodes import Broker
from tests.support.bus import Bus
from tests.support.processes import Process
from tests.support.system import system
from tests.support.waiting import eventually

MAINTENANCE, SCHEDULER = services.maintenance.app, services.scheduler.app


async def set_to(database: Database, service: str, revision: str) -> None:
    """Pretend that a newer release has changed the database."""
    await database.write(text(f"UPDATE alembic_version_{service} SET version_num = '{revision}'"))


async def test_a_database_that_a_newer_release_changes_is_noticed(database_url: str) -> None:
    await migrate(database_url, SCHEDULER.MIGRATIONS)
    database = Database(database_url)
    watch = RevisionWatch.of(database, SCHEDULER.NAME, SCHEDULER.MIGRATIONS)
    await watch.look()
    await set_to(database, SCHEDULER.NAME, "9999")

    with pytest.raises(ChangedMeanwhile, match=r"another release .*9999"):
        await watch.look()

    await database.close()


async def test_a_database_that_is_away_has_not_been_changed(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/nowhere/x.db")

    await RevisionWatch(database, SCHEDULER.NAME, "0001").look()

    await database.close()


ENVIRONMENT = """
from sqlalchemy import MetaData
from shared.database.migrations import run_migrations
run_migrations(MetaData(), service="sleeper", known_by="nothing")
"""
LONG = """
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.execute("SELECT pg_sleep(0.5)")
"""


async def test_no_limit_for_statements_ends_an_upgrade(tmp_path: Path, postgres_url: str) -> None:
    """It would begin anew, and be ended again, for ever."""
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENVIRONMENT)
    (tmp_path / "versions" / "0001_long.py").write_text(LONG)
    database = Database(postgres_url)
    name = make_url(postgres_url).database
    await database.write(text(f"ALTER DATABASE {name} SET statement_timeout = '100ms'"))
    await database.close()

    await migrate(postgres_url, tmp_path)

    database = Database(postgres_url)
    assert [row["version_num"] for row in await database.rows(text("TABLE alembic_version_sleeper"))] == ["0001"]
    await database.close()


async def test_a_service_ends_in_good_order_when_a_newer_release_changes_its_database(
    tmp_path: Path, broker_node: Broker
) -> None:
    """It would go on writing as before, and park what its tables, as they are now, do not take."""
    why = ErrorDetail(kind="rejected", code="400", message="as asked")
    failed = PublishFailed(post_id="p", account_id="a", revision=1, attempts=1, error=why)
    async with system(tmp_path, broker_node) as running:
        maintenance = await running.start(MAINTENANCE.NAME)
        database = Database(running.database_url(MAINTENANCE.NAME))
        await database.write(text("ALTER TABLE decisions RENAME TO choices"))
        await set_to(database, MAINTENANCE.NAME, "9999")
        await running.bus.emit(failed)

        assert await maintenance.ended() == 1
        assert "\nTIMEBALL_MAINTENANCE_DATABASE_URL: another release" in maintenance.log.read_text()
        assert maintenance.logged("service_stopped")
        kept = "maintenance.outcomes", "maintenance.retry.5s"
        await eventually(lambda: is_depth(running.bus, 1, *kept), what="the fact is left for the newer release")
        assert await running.bus.depth("maintenance.dead") == 0
        await database.close()


async def is_depth(bus: Bus, messages: int, *queues: str) -> bool:
    """Whether so many messages are ready in these queues."""
    return await bus.depth(*queues) == messages


async def test_a_process_that_waits_for_its_database_is_alive_not_ready_and_ends_at_once_when_asked(
    tmp_path: Path, broker_node: Broker
) -> None:
    async with system(tmp_path, broker_node) as running:
        url = running.database_url(SCHEDULER.NAME)
        await migrate(url, SCHEDULER.MIGRATIONS)
        other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        scheduler = await running.start(SCHEDULER.NAME, ready=False)
        await eventually(lambda: asyncio.to_thread(is_alive, scheduler), every=0.1)
        problems = await asyncio.to_thread(scheduler.problems)
        scheduler.process.send_signal(signal.SIGTERM)

        assert "it is being looked at" in problems
        assert await scheduler.ended() == -signal.SIGTERM
        other.close()


def is_alive(process: Process) -> bool:
    """Whether `/healthz` answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{process.port}/healthz", timeout=5):
            return True
    except urllib.error.HTTPError:
        raise
    except OSError:
        return False
