"""Old rows go in short transactions; what is young, kept or held by somebody stays."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, insert, select, text

from shared.database.engine import Database, InstantColumn
from shared.database.purging import FEWEST, MOST, Batch, Purge, Rule, next_size
from shared.events.maintenance import RetentionPurgeRequested
from tests.fakes.clock import FakeClock
from tests.support.waiting import PATIENCE

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("updated_at", InstantColumn, nullable=False),
    Index("things_by_age", "state", "updated_at"),
)
DONE = Rule(things, things.c.updated_at, "state = 'done'", keeps="succeeded")
ASKED = RetentionPurgeRequested(before=NOW - WEEK, keep_succeeded=0)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def fill(database: Database, ages: Iterable[timedelta], state: str = "done") -> None:
    rows = [{"number": hash((state, n)) % 2**31, "state": state, "updated_at": NOW - age} for n, age in enumerate(ages)]
    async with database.transaction() as connection:
        await connection.execute(insert(things), rows)


async def ages_left(database: Database, state: str = "done") -> list[timedelta]:
    async with database.reading() as connection:
        rows = await connection.execute(
            select(things.c.updated_at).where(things.c.state == state).order_by(things.c.updated_at)
        )
        return [NOW - row.updated_at for row in rows]


def a_purge(database: Database, batches: list[Batch] | None = None) -> Purge:
    return Purge(database, FakeClock(NOW), asyncio.Event(), (batches if batches is not None else []).append)


def days(count: float) -> timedelta:
    return timedelta(days=count)


async def test_what_is_older_goes_and_the_rest_stays(database: Database) -> None:
    await fill(database, [days(9), days(8), days(7), days(6)])
    await fill(database, [days(9)], "pending")

    rows = await a_purge(database).run([DONE], ASKED)

    assert rows == 2
    assert await ages_left(database) == [days(7), days(6)]
    assert await ages_left(database, "pending") == [days(9)]


async def test_the_newest_are_kept_however_old(database: Database) -> None:
    await fill(database, [days(12), days(11), days(10), days(9)])

    rows = await a_purge(database).run([DONE], ASKED.model_copy(update={"keep_succeeded": 3}))

    assert rows == 1
    assert await ages_left(database) == [days(11), days(10), days(9)]


async def test_as_many_as_a_person_is_used_to_are_kept_where_nothing_is_said(database: Database) -> None:
    await fill(database, [days(9)] * 1_000)

    assert await a_purge(database).run([DONE], RetentionPurgeRequested(before=NOW)) == 0


async def test_nothing_goes_on_its_first_day_whatever_is_asked(database: Database) -> None:
    await fill(database, [days(1.1), days(0.9)])

    await a_purge(database).run([DONE], ASKED.model_copy(update={"before": NOW + days(365)}))

    assert await ages_left(database) == [days(0.9)]


async def test_some_rows_stay_longer_than_others(database: Database) -> None:
    await fill(database, [days(11), days(9)])

    await a_purge(database).run([Rule(things, things.c.updated_at, longer=days(3))], ASKED)

    assert await ages_left(database) == [days(9)]


async def test_many_rows_of_one_instant_go_in_several_transactions(database: Database) -> None:
    await fill(database, [days(9)] * 2_500)
    batches: list[Batch] = []

    rows = await a_purge(database, batches).run([DONE], ASKED)

    assert rows == 2_500 == sum(batch.rows for batch in batches)
    assert len(batches) > 1


async def test_a_row_that_somebody_holds_is_passed_over(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    await fill(database, [days(10), days(9), days(8)])

    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1 FROM things ORDER BY updated_at LIMIT 1 FOR UPDATE"))
        async with asyncio.timeout(PATIENCE):
            rows = await a_purge(database).run([DONE], ASKED)

    assert rows == 2
    assert await ages_left(database) == [days(10)]
    await database.close()


async def test_a_service_that_stops_does_not_wait_for_the_end(database: Database) -> None:
    await fill(database, [days(9)] * 2_500)
    purge = a_purge(database)
    purge.stopping.set()

    assert await purge.run([DONE], ASKED) == 0


@pytest.mark.parametrize(
    ("size", "seconds", "then"),
    [(100, 0.001, 126), (100, 0.015, 100), (100, 0.05, 50), (FEWEST, 1, FEWEST), (MOST, 0, MOST)],
)
def test_the_next_transaction_is_as_large_as_the_last_one_was_quick(size: int, seconds: float, then: int) -> None:
    assert next_size(size, seconds) == then
