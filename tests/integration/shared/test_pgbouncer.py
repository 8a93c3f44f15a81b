"""Behind PgBouncer the database keeps its promises, in transaction mode where the installed version can."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select, text

from deploy.local.child import Child, clean_environment, free_ports
from deploy.local.postgres_node import PostgresNode
from services.scheduler.app import MIGRATIONS
from services.scheduler.tables import accounts
from shared.connections.database_address import database_address
from shared.database.engine import Database
from shared.database.migrations import migrate
from shared.database.refusals import why_unusable
from tests.support.waiting import eventually

IGNORED = "idle_in_transaction_session_timeout,tcp_user_timeout,lock_timeout,statement_timeout,plan_cache_mode,jit"
PREPARES = (1, 21)
"""The first version that keeps prepared statements in transaction mode."""
TRANSACTION_MODE = ("pool_mode=transaction", "max_prepared_statements=200", "default_pool_size=3")
SESSION_MODE = ("pool_mode=session", "default_pool_size=20")
MANY = 40
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not shutil.which("pgbouncer"), reason="PgBouncer is not installed")


def _version() -> tuple[int, ...]:
    said = subprocess.run(["pgbouncer", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    assert found
    return tuple(map(int, found.groups()))


def _configuration(node: PostgresNode, port: int, ignored: str) -> str:
    prepares = _version() >= PREPARES
    lines = [
        "[databases]",
        f"* = host=127.0.0.1 port={node.port} user=postgres",
        "[pgbouncer]",
        f"listen_addr=127.0.0.1\nlisten_port={port}\nunix_socket_dir=\nauth_type=any",
        *(TRANSACTION_MODE if prepares else SESSION_MODE),
        *([f"ignore_startup_parameters={ignored}"] if ignored else []),
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture(params=[IGNORED])
def pooled_url(
    request: pytest.FixtureRequest, postgres_node: PostgresNode, postgres_url: str, nodes_directory: Path
) -> Iterator[str]:
    """The test's database, through a PgBouncer of its own."""
    (port,) = free_ports(1)
    file = nodes_directory / f"pgbouncer-{port}.ini"
    file.write_text(_configuration(postgres_node, port, request.param))
    log = nodes_directory / f"pgbouncer-{port}.log"
    pooler = Child(["pgbouncer", str(file)], clean_environment("PG"), log, user="postgres")
    pooler.start()
    yield f"postgres://postgres@127.0.0.1:{port}{urlsplit(postgres_url).path}"
    pooler.kill()


async def _is_there(url: str) -> bool:
    try:
        _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_a_service_migrates_writes_and_reads_through_pgbouncer(pooled_url: str) -> None:
    await eventually(lambda: _is_there(pooled_url))
    url = database_address(pooled_url)
    await migrate(url, MIGRATIONS)
    database = Database(url)

    async def write(number: int) -> None:
        async with database.transaction() as connection:
            row = {"account_id": str(number), "platform": "x", "connected": True, "changed_at": LONG_AGO}
            await connection.execute(accounts.insert(), row)
        async with database.reading() as connection:
            assert (await connection.execute(select(accounts.c.platform).limit(1))).scalar_one() == "x"

    await asyncio.gather(*map(write, range(MANY)))
    await database.try_writing()

    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(accounts))).scalar_one() == MANY
    await database.close()


@pytest.mark.parametrize("pooled_url", [""], indirect=True)
async def test_a_pgbouncer_that_refuses_our_parameters_says_where_to_look(pooled_url: str) -> None:
    await eventually(lambda: _is_there(pooled_url))
    database = Database(database_address(pooled_url))

    with pytest.raises(Exception, match="unsupported startup parameter") as refused:
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))

    assert "set ignore_startup_parameters" in why_unusable(refused.value)
    await database.close()
