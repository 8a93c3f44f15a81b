"""What the scheduler looks for every few seconds is found by an index, however many posts are pending."""

import re
from typing import Any

from sqlalchemy import Connection, event

from tests.support.schedules import NOON
from tests.support.scheduling import Replica


async def test_what_is_looked_for_again_and_again_is_found_by_an_index(sqlite_url: str) -> None:
    asked: list[tuple[str, Any]] = []
    async with Replica.on(sqlite_url) as replica:
        database = replica.database
        event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))

        await replica.store.claim_due(due_before=NOON, now=NOON, most=10)
        await replica.store.sweep(expected_before=NOON, now=NOON)

        looked_for = [one for one in asked if "schedules" in one[0]]
        async with database.reading() as connection:
            steps = [await connection.run_sync(steps_of, *one) for one in looked_for]
    assert len(steps) == 2
    for plan in steps:
        assert any(re.search(r"INDEX schedules_(due|unanswered)", step) for step in plan), plan
        assert not [step for step in plan if step == "SCAN schedules"], plan


def steps_of(connection: Connection, statement: str, values: Any) -> list[str]:
    """How SQLite would go about a statement, with the values it was executed with."""
    return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
