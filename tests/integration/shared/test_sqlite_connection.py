"""A connection to SQLite ends, whoever is cancelled while it is closed."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.database.engine import Database
from tests.support.waiting import PATIENCE, eventually

SLOW = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT sum(i) FROM n")


@pytest.mark.parametrize("steps", range(0, 40, 2))
async def test_who_is_cancelled_again_while_a_connection_closes_ends(tmp_path: Path, steps: int) -> None:
    database, begun = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db"), asyncio.Event()

    async def read() -> None:
        async with database.reading() as connection:
            begun.set()
            await connection.execute(SLOW)

    reading = asyncio.create_task(read())
    await begun.wait()
    await asyncio.sleep(0)
    reading.cancel()
    for _ in range(steps):
        await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()  # as everything is that is left when a process ends
    if others:
        _, pending = await asyncio.wait(others, timeout=PATIENCE)
        assert not pending
    await database.close()
    await eventually(lambda: not [one for one in threading.enumerate() if "_connection_worker" in one.name])
