"""Many rows in one statement: nothing lost on the way, and each statement touches what it says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Executable, Integer, MetaData, String, Table, Text, select

from shared.database import bulk
from shared.database.engine import Database, InstantColumn

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("place", String(50), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("is_good", Boolean, nullable=False),
    Column("note", Text),
    Column("at", InstantColumn),
)
NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    place: str = "here"
    name: str = "a"
    version: int = 1
    is_good: bool = True
    note: str | None = "as new"
    at: datetime | None = NOON


@dataclass
class Bench:
    """A database with an empty table of things."""

    database: Database

    async def run(self, statement: Executable, *rows: dict[str, Any]) -> Sequence[Any]:
        """Execute for the rows; the answer has what the statement returns."""
        async with self.database.transaction() as connection:
            result = await connection.execute(statement, bulk.encode(rows))
            return [tuple(row) for row in result] if result.returns_rows else []

    async def put(self, *given: Thing) -> None:
        async with self.database.transaction() as connection:
            statement = bulk.insert(things, list(things.columns), self.dialect)
            await connection.execute(statement, bulk.encode_records(given))

    async def stored(self) -> list[Thing]:
        async with self.database.reading() as connection:
            rows = await connection.execute(select(things).order_by(things.c.place, things.c.name))
            return [Thing(**row) for row in rows.mappings()]

    @property
    def dialect(self) -> str:
        return self.database.dialect


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield Bench(database)
    await database.close()


TEXTS = {
    "empty": "",
    "quotes": """'single' "double" `back` $$dollar$$ ''""",
    "backslashes": r"\ \\ \n \u0041 \u0000 \x00",
    "lines": "one\ntwo\r\nthree\ttab\x0bvertical\x1fcontrol\x7f",
    "unicode": "Grüße 👋🏽 \u2028 \ufeff \ufffe e\u0301 مرحبا \U0010ffff",
    "json": '{"rows": [1, null]}',
    "null": "null",
    "number": "1e999",
    "bind": ":rows %s %(rows)s ? $1",
    "sql": "'; DROP TABLE things; --",
    "long": "0123456789" * 100_000,
}


async def test_every_text_comes_back_as_it_was(bench: Bench) -> None:
    noted = [Thing(name=name, note=text) for name, text in sorted(TEXTS.items())]

    await bench.put(*noted)

    assert await bench.stored() == noted


async def test_a_key_of_any_text_is_found_again(bench: Bench) -> None:
    names = sorted(text for text in TEXTS.values() if len(text) < 200)
    await bench.put(*(Thing(name=name) for name in names), *(Thing(name=f"{name}!") for name in names))

    found = await bench.run(
        bulk.select_by_key(things, bench.dialect), *({"place": "here", "name": name} for name in names)
    )

    assert sorted(row[1] for row in found) == names


def in_utc(instant: datetime) -> datetime:
    """The instant without its zone: Python holds two readings of a time that clocks skip or repeat to be different."""
    return instant.astimezone(UTC)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True)
@given(
    st.lists(
        st.builds(
            Thing,
            name=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50),
            version=st.integers(-(2**31), 2**31 - 1),
            is_good=st.booleans(),
            note=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=300),
            at=st.none() | st.datetimes(timezones=st.timezones()).filter(lambda at: 1 < at.year < 9999).map(in_utc),
        ),
        max_size=5,
        unique_by=lambda thing: thing.name,
    )
)
def test_any_rows_come_back_as_they_were(sqlite_url: str, given_things: list[Thing]) -> None:
    async def there_and_back() -> list[Thing]:
        database = Database(sqlite_url)
        async with database.transaction() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(metadata.create_all)
        bench = Bench(database)
        await bench.put(*given_things)
        stored = await bench.stored()
        await database.close()
        return stored

    stored = asyncio.run(there_and_back())

    assert sorted(stored, key=lambda thing: thing.name) == sorted(given_things, key=lambda thing: thing.name)


async def test_records_and_rows_are_the_same_to_a_statement() -> None:
    thing = Thing(at=NOON.astimezone(), note=None)
    row = {"place": "here", "name": "a", "version": 1, "is_good": True, "note": None, "at": NOON}

    assert bulk.encode_records([thing]) == bulk.encode([row])


async def test_no_rows_are_no_trouble(bench: Bench) -> None:
    for statement in (
        bulk.insert(things, list(things.columns), bench.dialect),
        bulk.insert_missing(things, bench.dialect),
        bulk.upsert(things, bench.dialect, guard="true"),
        bulk.update(things, [things.c.note], bench.dialect),
        bulk.select_by_key(things, bench.dialect, lock=True),
        bulk.delete_by_key(things, bench.dialect),
    ):
        assert await bench.run(statement) == []


async def test_many_rows_go_in_one_statement(bench: Bench) -> None:
    many = [Thing(name=f"{number:05}", note="x" * 100) for number in range(5000)]

    await bench.put(*many)

    assert await bench.stored() == many


async def test_insert_missing_leaves_what_is_there_and_tells_what_was_not(bench: Bench) -> None:
    await bench.put(Thing(name="a", note="old"))
    rows = [vars(Thing(name=name, note="new")) for name in "abc"]

    inserted = await bench.run(bulk.insert_missing(things, bench.dialect), *rows)

    assert sorted(inserted) == [("here", "b"), ("here", "c")]
    assert [thing.note for thing in await bench.stored()] == ["old", "new", "new"]


async def test_insert_missing_takes_the_same_key_once(bench: Bench) -> None:
    inserted = await bench.run(bulk.insert_missing(things, bench.dialect), *[vars(Thing(name="a"))] * 3)

    assert inserted == [("here", "a")]


async def test_of_many_who_insert_the_same_one_is_told_that_it_was_missing(bench: Bench) -> None:
    statement = bulk.insert_missing(things, bench.dialect)

    told = await asyncio.gather(*(bench.run(statement, vars(Thing())) for _ in range(10)))

    assert sorted(told, key=len) == [[]] * 9 + [[("here", "a")]]


async def test_upsert_overwrites_only_where_the_guard_holds(bench: Bench) -> None:
    await bench.put(Thing(name="a", version=1), Thing(name="b", version=5))
    upsert = bulk.upsert(things, bench.dialect, guard="things.version < excluded.version")
    rows = [Thing(name=name, version=3, note=None, is_good=False, at=None) for name in "abc"]

    async with bench.database.transaction() as connection:
        written = (await connection.execute(upsert, bulk.encode_records(rows))).rowcount

    assert written == 2
    assert await bench.stored() == [rows[0], Thing(name="b", version=5), rows[2]]


async def test_of_two_who_write_the_same_version_one_is_refused(bench: Bench) -> None:
    upsert = bulk.upsert(things, bench.dialect, guard="things.version < excluded.version")

    async def write(note: str) -> int:
        async with bench.database.transaction() as connection:
            written: int = (await connection.execute(upsert, bulk.encode_records([Thing(note=note)]))).rowcount
            return written

    assert sorted(await asyncio.gather(write("mine"), write("yours"))) == [0, 1]


async def test_update_changes_the_columns_named_and_no_others(bench: Bench) -> None:
    first, second = Thing(name="a"), Thing(name="b")
    await bench.put(first, second)
    update = bulk.update(things, [things.c.note, things.c.at], bench.dialect)

    updated = await bench.run(update, {"place": "here", "name": "b", "note": "new", "at": NOON + timedelta(days=1)})

    assert updated == [("here", "b")]
    assert await bench.stored() == [first, replace(second, note="new", at=NOON + timedelta(days=1))]


async def test_update_inserts_nothing(bench: Bench) -> None:
    row = {"place": "here", "name": "a", "note": "new"}

    assert await bench.run(bulk.update(things, [things.c.note], bench.dialect), row) == []
    assert await bench.stored() == []


async def test_update_compares_without_writing_what_it_compares(bench: Bench) -> None:
    await bench.put(Thing(name="a", version=1), Thing(name="b", version=2))
    update = bulk.update(
        things,
        [things.c.note],
        bench.dialect,
        compared=[things.c.version],
        guard="things.version = given.version AND things.is_good",
        also="is_good = false, at = NULL",
    )
    rows = [{"place": "here", "name": name, "note": "new", "version": 1} for name in "ab"]

    updated = await bench.run(update, *rows)

    assert updated == [("here", "a")]
    assert await bench.stored() == [
        Thing(name="a", version=1, note="new", is_good=False, at=None),
        Thing(name="b", version=2),
    ]


async def test_update_may_set_nothing(bench: Bench) -> None:
    await bench.put(Thing())

    await bench.run(
        bulk.update(things, [things.c.note, things.c.at], bench.dialect),
        {"place": "here", "name": "a", "note": None, "at": None},
    )

    assert await bench.stored() == [Thing(note=None, at=None)]


async def test_select_by_key_gives_whole_rows_of_the_keys_named(bench: Bench) -> None:
    await bench.put(Thing(name="a"), Thing(name="b"), Thing(place="there", name="a"))
    keys = [{"place": place, "name": name} for place, name in [("here", "a"), ("there", "a"), ("nowhere", "a")]]

    found = await bench.run(bulk.select_by_key(things, bench.dialect, lock=True), *keys)

    assert sorted(row[:2] for row in found) == [("here", "a"), ("there", "a")]
    assert {type(row[-1]) for row in found} == {datetime}


async def test_rows_selected_with_a_lock_wait_for_the_commit(bench: Bench) -> None:
    await bench.put(Thing(version=0))
    select_locked = bulk.select_by_key(things, bench.dialect, lock=True)
    update = bulk.update(things, [things.c.version], bench.dialect)

    async def count_one_more() -> None:
        async with bench.database.transaction() as connection:
            key = {"place": "here", "name": "a"}
            (row,) = (await connection.execute(select_locked, bulk.encode([key]))).all()
            await connection.execute(update, bulk.encode([key | {"version": row.version + 1}]))

    await asyncio.gather(*(count_one_more() for _ in range(10)))

    assert [thing.version for thing in await bench.stored()] == [10]


async def test_delete_by_key_deletes_the_keys_named(bench: Bench) -> None:
    await bench.put(Thing(name="a"), Thing(name="b"), Thing(place="there", name="a"))

    await bench.run(
        bulk.delete_by_key(things, bench.dialect),
        {"place": "here", "name": "a"},
        {"place": "nowhere", "name": "b"},
    )

    assert await bench.stored() == [Thing(name="b"), Thing(place="there", name="a")]


def test_what_has_no_place_in_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="object"):
        bulk.encode([{"note": object()}])
