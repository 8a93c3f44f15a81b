"""A service's database keeps the same promises on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database import bulk
from shared.database.engine import Database, InstantColumn, as_text
from shared.secrets.redaction import redact_text
from tests.support.waiting import PATIENCE

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("at", InstantColumn),
)
NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty table of things."""
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def write(database: Database, *rows: dict[str, Any]) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(things), [{"count": 0, "at": None} | row for row in rows])


INSTANTS = [
    NOON,
    NOON + timedelta(microseconds=1),
    NOON.replace(microsecond=500_000),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


async def test_an_instant_comes_back_as_it_was_in_utc(database: Database) -> None:
    await write(database, *({"name": str(n), "at": instant} for n, instant in enumerate(INSTANTS)))

    async with database.reading() as connection:
        read = (await connection.execute(select(things.c.at).order_by(things.c.name))).scalars().all()

    assert list(read) == INSTANTS
    assert {instant.utcoffset() for instant in read} == {timedelta(0)}


async def test_an_instant_of_another_zone_is_the_same_instant(database: Database) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    await write(database, {"name": "a", "at": elsewhere})

    async with database.reading() as connection:
        found = (await connection.execute(select(things.c.name).where(things.c.at == NOON))).scalars().all()
        read = (await connection.execute(select(things.c.at))).scalar_one()

    assert list(found) == ["a"]
    assert (read, read.utcoffset()) == (NOON, timedelta(0))


async def test_instants_sort_by_time(database: Database) -> None:
    await write(database, *({"name": str(n), "at": instant} for n, instant in enumerate(INSTANTS)))

    async with database.reading() as connection:
        read = (await connection.execute(select(things.c.at).order_by(things.c.at))).scalars().all()
        least = (await connection.execute(select(func.min(things.c.at)))).scalar_one()
        early = (await connection.execute(select(func.count()).where(things.c.at < NOON))).scalar_one()

    assert list(read) == sorted(INSTANTS)
    assert (least, early) == (min(INSTANTS), sum(instant < NOON for instant in INSTANTS))


async def test_no_instant_stays_none(database: Database) -> None:
    await write(database, {"name": "a"})

    async with database.reading() as connection:
        assert (await connection.execute(select(things.c.at))).scalar_one() is None


def test_an_instant_as_text_has_a_fixed_width_and_sorts_by_time() -> None:
    texts = [as_text(instant) for instant in sorted(INSTANTS)]

    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {len("2027-03-28T12:00:00.000000+00:00")}
    assert as_text(NOON.astimezone(timezone(-timedelta(hours=3)))) == "2027-03-28T12:00:00.000000+00:00"


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await write(database, {"name": "a"}, {"name": "a"})
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute(insert(things).values(name="b", count=0))
            raise RuntimeError("changed my mind")

    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(things))).scalar_one() == 0


@pytest.mark.parametrize("count", [None, "no number"])
async def test_an_error_quotes_no_row(database: Database, count: Any) -> None:
    """It is logged, told of as a job's failure, and is the reason on a dead letter; rows hold posts and secrets."""
    insert_rows = bulk.insert(things, [things.c.name, things.c.count], database.dialect)
    row = bulk.encode([{"name": "a secret", "count": count}])

    with pytest.raises(DBAPIError) as raised:
        async with database.transaction() as connection:
            await connection.execute(insert_rows, row)
            await connection.execute(text("SELECT no_such_function(:rows)"), row)

    assert "a secret" not in redact_text(f"{raised.value} {raised.value!r}")


async def test_concurrent_writers_take_turns(database: Database) -> None:
    await write(database, {"name": "a"})

    await asyncio.gather(*(count_one_more(database) for _ in range(30)))

    async with database.reading() as connection:
        assert (await connection.execute(select(things.c.count))).scalar_one() == 30


async def count_one_more(database: Database) -> None:
    """Read, then write: on SQLite this is where a deferred transaction would get BUSY."""
    async with database.transaction() as connection:
        row = select(things.c.count).where(things.c.name == "a").with_for_update()
        count = (await connection.execute(row)).scalar_one()
        await connection.execute(update(things).where(things.c.name == "a").values(count=count + 1))


async def test_writers_of_several_processes_take_turns_on_one_sqlite_file(sqlite_url: str) -> None:
    replicas = [Database(sqlite_url) for _ in range(4)]
    async with replicas[0].transaction() as connection:
        await connection.run_sync(metadata.create_all)
    await write(replicas[0], {"name": "a"})

    await asyncio.gather(*(count_one_more(replica) for replica in replicas for _ in range(10)))

    async with replicas[0].reading() as connection:
        assert (await connection.execute(select(things.c.count))).scalar_one() == 40
    for replica in replicas:
        await replica.close()


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    await write(database, {"name": "a"})

    async with database.transaction() as writing, asyncio.timeout(PATIENCE):
        await writing.execute(update(things).values(count=7))
        async with database.reading() as connection:
            assert (await connection.execute(select(things.c.count))).scalar_one() == 0


async def test_a_connection_that_only_read_writes_in_transactions_afterwards(database: Database) -> None:
    async with database.reading() as connection:
        await connection.execute(select(things.c.count))
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute(insert(things).values(name="a", count=0))
            raise RuntimeError("changed my mind")

    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(things))).scalar_one() == 0


async def test_sqlite_survives_a_power_cut_after_every_commit(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    async with database.reading() as connection:
        pragmas = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    await database.close()

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5_000, "foreign_keys": 1}


async def test_a_database_that_is_there_takes_a_write(database: Database) -> None:
    await write(database, {"name": "a"})

    await database.try_writing()

    async with database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(things))).scalar_one() == 1


async def test_a_transaction_does_not_take_for_ever(database: Database) -> None:
    with pytest.raises(TimeoutError):
        async with database.transaction(within=timedelta(seconds=0.2)) as connection:
            await connection.execute(insert(things).values(name="a", count=0))
            await asyncio.Event().wait()

    await write(database, {"name": "b"})
    async with database.reading() as connection:
        assert list((await connection.execute(select(things.c.name))).scalars()) == ["b"]
