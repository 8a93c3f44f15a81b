"""The counters say what counting all posts would say, whatever has happened to them and in whatever order."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.console import retention
from services.console.app import MIGRATIONS
from services.console.read_model.counting import TABLES, Counts, counters_of
from services.console.tables.core import posts
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.database.migrations import migrate
from shared.database.purging import Purge
from shared.events import Event
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.publisher import PublishFailed, PublishHeld, PublishUnknown
from shared.events.scheduler import ScheduleAccepted, ScheduleCancelled
from tests.integration.console.conftest import ReadModel, a_read_model
from tests.integration.console.test_read_model import ERROR, NOON, accepted, learn, succeeded
from tests.support.migrated import as_before, migrated

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def something(chance: random.Random) -> Event:
    """Any event of one of a few posts."""
    named: dict[str, Any] = {"post_id": f"p-{chance.randrange(12)}", "account_id": chance.choice(("a", "b"))}
    of_revision = named | {"revision": chance.randrange(1, 4)}
    at = NOON + timedelta(minutes=chance.randrange(300))
    attempts: dict[str, Any] = {"attempts": chance.randrange(1, 4)}
    kinds: list[Event] = [
        ScheduleAccepted(**of_revision, publish_at=at, changed=True),
        ScheduleCancelled(**of_revision, reason="requested"),
        PublishHeld(**of_revision, reason="account", attempts=attempts["attempts"]),
        PublishFailed(**of_revision, **attempts, error=ERROR),
        PublishUnknown(**of_revision, **attempts, error=ERROR),
        succeeded(**named, lateness_ms=chance.expovariate(0.2), at=at),
    ]
    return chance.choice(kinds)


async def counted(database: Database, *, one_by_one: bool) -> dict[str, Counter[Any]]:
    """What the counters say, or what counting all posts says."""
    found: dict[str, Counter[Any]] = {table.name: Counter() for table in TABLES}
    async with database.reading() as connection:
        if one_by_one:
            for row in (await connection.execute(select(posts))).mappings():
                for table, key in counters_of(dict(row)):
                    found[table.name][key] += 1
            return found
        for table in TABLES:
            for counter in await connection.execute(select(*table.primary_key, table.c.posts)):
                found[table.name][tuple(counter)[:-1]] = counter.posts
    return {name: +counter for name, counter in found.items()}


@pytest.mark.parametrize("seed", range(3))
async def test_they_say_what_counting_would_say(read_model: ReadModel, database_url: str, seed: int) -> None:
    chance, database = random.Random(seed), Database(database_url)
    events = [something(chance) for _ in range(150)]
    for start in range(0, len(events), 10):
        await learn(read_model, *events[start : start + 10], *events[: start // 2 : 7])

    assert await counted(database, one_by_one=False) == await counted(database, one_by_one=True)
    await database.close()


async def test_replicas_that_learn_at_once_count_each_change_once(postgres_url: str) -> None:
    await migrated(postgres_url, MIGRATIONS)
    chance, database = random.Random(5), Database(postgres_url)
    async with a_read_model(postgres_url) as one, a_read_model(postgres_url) as other:
        for _ in range(10):
            events = [something(chance) for _ in range(20)]
            await asyncio.gather(learn(one, *events), learn(other, *events))

    assert await counted(database, one_by_one=False) == await counted(database, one_by_one=True)
    await database.close()


async def test_what_is_deleted_leaves_the_states_and_stays_in_the_hours(
    read_model: ReadModel, database_url: str
) -> None:
    await learn(read_model, *(succeeded(f"p-{number}") for number in range(5)), accepted("waiting"))
    database = Database(database_url)
    async with database.transaction() as connection:
        for number in range(5):
            old = posts.update().where(posts.c.post_id == f"p-{number}")
            await connection.execute(old.values(updated_at=LONG_AGO + timedelta(minutes=number)))

    asked = RetentionPurgeRequested(before=datetime.now(UTC), keep_succeeded=2, keep_failed=0)
    await Purge(database, SystemClock(), asyncio.Event()).run(retention.RULES, asked)

    states = {state: posts for state, posts in (await Counts(database).by_state()).items() if posts}
    assert states == {"published": 2, "scheduled": 1}
    hourly = (await counted(database, one_by_one=False))["hourly_counts"]
    assert (
        sum(posts for (_, account_id, state), posts in hourly.items() if (account_id, state) == ("a", "published")) == 5
    )
    await database.close()


@pytest.mark.parametrize("before", ["0015", "0026"])
async def test_an_upgrade_counts_what_there_is(read_model: ReadModel, database_url: str, before: str) -> None:
    chance, database = random.Random(9), Database(database_url)
    await learn(read_model, *(something(chance) for _ in range(60)))
    expected = await counted(database, one_by_one=True)
    await as_before(database_url, MIGRATIONS, before)

    await migrate(database_url, MIGRATIONS)

    assert await counted(database, one_by_one=False) == expected
    await database.close()
