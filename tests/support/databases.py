"""PostgreSQL databases for tests, lent to one after the other: to empty one costs a tenth of what a new one costs."""

import asyncio
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url

from deploy.local.postgres_node import PostgresNode, find_program

OTHERS_LEAVE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
"""
EMPTY = f"""
{OTHERS_LEAVE}
DO $$
DECLARE
    schema name;
BEGIN
    FOR schema IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', schema);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
    CREATE SCHEMA public;
END $$
"""
LEFT_OUT = ("--", "\\", "CREATE SCHEMA public", "COMMENT ON SCHEMA public")
"""How lines begin that are comments, that only psql understands, or that speak of what is there already."""


class Databases:
    """The databases of one server."""

    def __init__(self, node: PostgresNode) -> None:
        self._node = node
        self._empty: list[str] = []

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of an empty database, for as long as the block lasts."""
        name = self.take()
        yield self.address(name)
        self.take_back(name)

    def take(self) -> str:
        """The name of an empty database that nobody else has."""
        if self._empty:
            return self._empty.pop()
        name = f"test_{uuid4().hex[:12]}"
        self._node.create_database(name)
        return name

    def take_back(self, name: str) -> None:
        """Empty a database for whoever takes it next."""
        with ThreadPoolExecutor(1) as thread:  # this one may have an event loop of its own
            thread.submit(asyncio.run, _empty(plain(self.address(name)))).result()
        self._empty.append(name)

    def address(self, name: str) -> str:
        """Where a database is."""
        return self._node.address(name)


def plain(url: str) -> str:
    """The address as PostgreSQL's own programs and asyncpg take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def _empty(address: str) -> None:
    connection = await asyncpg.connect(address, server_settings={"default_transaction_read_only": "off"})
    await connection.execute(EMPTY)
    await connection.close()


def dump(address: str) -> str:
    """The statements that make what is in a database, in an empty one."""
    command = [find_program("pg_dump"), "--no-owner", "--no-privileges", "--inserts", address]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in said.splitlines() if line and not line.startswith(LEFT_OUT))
