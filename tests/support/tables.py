"""Databases with a service's tables, lent to one test after the other: of many, to empty them costs a quarter of making
them."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from tests.support.databases import OTHERS_LEAVE, Databases, plain
from tests.support.migrated import migrated

MOST_BYTES = 4_000_000
"""Of tables and indexes; in larger ones too much is left of what was deleted."""
DEFINED = """
WITH tables AS (SELECT oid, xmin, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT md5(string_agg(found, ',' ORDER BY found)) FROM (
    SELECT concat('table ', oid, ' ', xmin) AS found FROM tables
    UNION ALL SELECT concat('column ', attrelid, '.', attnum, ' ', a.xmin)
        FROM pg_attribute a JOIN tables ON oid = attrelid
    UNION ALL SELECT concat('version ', query_to_xml(format('TABLE %I', relname), true, true, ''))
        FROM tables WHERE relname ~ '^alembic_version' AND relname !~ 'pkc$'
    UNION ALL SELECT concat('statistics ', starelid, '.', staattnum) FROM pg_statistic JOIN tables ON oid = starelid
    UNION ALL SELECT concat('trigger ', t.oid, ' ', t.xmin) FROM pg_trigger t JOIN tables ON tables.oid = tgrelid
    UNION ALL SELECT concat('constraint ', oid, ' ', xmin) FROM pg_constraint
    UNION ALL SELECT concat('function ', oid, ' ', xmin) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat('type ', oid, ' ', xmin) FROM pg_type WHERE typnamespace = 'public'::regnamespace
    UNION ALL SELECT concat('schema ', oid, ' ', xmin) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT concat('setting ', setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
        WHERE datname = current_database()
) AS all_of_it
"""
"""Changes with everything that is defined, with the version, and where the planner has learned something."""
EMPTY = f"""
{OTHERS_LEAVE}
DO $$
DECLARE
    filled regclass;
BEGIN
    SET LOCAL session_replication_role = replica;  -- no order among tables that refer to each other
    FOR filled IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname !~ '^alembic_version' AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE format('DELETE FROM %s', filled);
    END LOOP;
    PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;
END $$
"""
SIZE = "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace"

AnswerT = TypeVar("AnswerT")


@dataclass
class Tables:
    """The databases of one server that have the tables which these migrations make."""

    databases: Databases
    migrations: Path
    _empty: list[tuple[str, str]] = field(default_factory=list)
    """Names, each with what its definitions come to."""

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of a database in which every table is empty, for as long as the block lasts."""
        name, defined = self._empty.pop() if self._empty else self._made()
        address = self.databases.address(name)
        yield address
        if _run(_emptied(plain(address), defined)):
            self._empty.append((name, defined))
        else:
            self.databases.take_back(name)

    def _made(self) -> tuple[str, str]:
        name = self.databases.take()
        _run(migrated(self.databases.address(name), self.migrations))
        return name, _run(_definitions(plain(self.databases.address(name))))


async def _definitions(address: str) -> str:
    connection = await asyncpg.connect(address)
    try:
        return str(await connection.fetchval(DEFINED))
    finally:
        await connection.close()


async def _emptied(address: str, defined: str) -> bool:
    """Whether everything is as it was made, with all rows deleted."""
    connection = await asyncpg.connect(address, server_settings={"default_transaction_read_only": "off"})
    try:
        await connection.execute(EMPTY)
        is_as_made: bool = await connection.fetchval(DEFINED) == defined
        is_small: bool = await connection.fetchval(SIZE) <= MOST_BYTES
        return is_as_made and is_small
    finally:
        await connection.close()


def _run(work: Coroutine[Any, Any, AnswerT]) -> AnswerT:
    """Do it in a thread: this one may have an event loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
