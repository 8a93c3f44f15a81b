"""Runs in the database: each is one replica's at a time, and goes on where it was."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.console.app import MIGRATIONS
from services.console.requests.bulk_runs import AT_ONCE, Act, BulkRuns, Result
from services.console.requests.runs import CLAIM
from shared.database.engine import Database
from shared.database.migrations import migrate
from tests.support.migrated import as_before, migrated
from tests.support.schedules import NOON

SECOND = timedelta(seconds=1)
ENDLESS = 1e6


@pytest.fixture
async def runs(database_url: str) -> AsyncIterator[BulkRuns]:
    await migrated(database_url, MIGRATIONS)
    database = Database(database_url)
    yield BulkRuns(database)
    await database.close()


async def a_run(runs: BulkRuns, posts: int) -> str:
    keys = [(f"p-{number}", "a") for number in range(posts)]
    run = await runs.prepare(Act.CANCEL, keys, moving=None, by="anna", now=NOON)
    await runs.start(run["run_id"], NOON)
    return str(run["run_id"])


async def test_a_run_is_one_replicas_until_that_is_silent(runs: BulkRuns) -> None:
    run_id = await a_run(runs, 1)

    claimed = await runs.claim(NOON)
    assert claimed and claimed["run_id"] == run_id
    assert await runs.claim(NOON + SECOND) is None
    await runs.record(run_id, [], NOON + CLAIM)
    assert await runs.claim(NOON + CLAIM + SECOND) is None

    taken_over = await runs.claim(NOON + 2 * CLAIM + SECOND)
    assert taken_over and taken_over["run_id"] == run_id


async def test_who_works_on_runs_hears_of_one_that_is_started_here(runs: BulkRuns) -> None:
    run_id = await a_run(runs, 1)

    await runs.until_started(ENDLESS)

    claimed = await runs.claim(NOON)
    assert claimed and claimed["run_id"] == run_id


async def test_a_start_is_heard_of_once(runs: BulkRuns) -> None:
    await a_run(runs, 1)
    await runs.until_started(ENDLESS)

    waiting = asyncio.create_task(runs.until_started(ENDLESS))
    await asyncio.sleep(0)
    assert not waiting.done()

    await a_run(runs, 1)
    await waiting


async def test_a_claim_made_under_a_clock_that_was_ahead_keeps_nobody_waiting(runs: BulkRuns) -> None:
    run_id = await a_run(runs, 1)
    await runs.claim(NOON + timedelta(hours=1))

    claimed = await runs.claim(NOON)

    assert claimed and claimed["run_id"] == run_id


async def test_it_goes_on_after_what_has_been_recorded_and_counts_nothing_twice(runs: BulkRuns) -> None:
    run_id = await a_run(runs, AT_ONCE + 3)
    first = await runs.left(run_id)
    assert [one.position for one in first] == list(range(AT_ONCE))
    await runs.record(run_id, [Result(one.position, "done") for one in first[:-1]], NOON)
    await runs.record(run_id, [Result(first[-1].position, "refused", "no")], NOON)

    await runs.record(run_id, [Result(0, "pending"), Result(AT_ONCE - 1, "done")], NOON)

    assert [one.position for one in await runs.left(run_id)] == list(range(AT_ONCE, AT_ONCE + 3))
    run = await runs.run(run_id)
    assert run and (run["done"], run["refused"], run["pending"]) == (AT_ONCE - 1, 1, 0)
    (refused,) = await runs.items(run_id, outcome="refused", after=-1, limit=10)
    assert (refused["position"], refused["reason"]) == (AT_ONCE - 1, "no")


async def test_what_is_prepared_or_stopped_is_not_worked_on(runs: BulkRuns) -> None:
    await runs.prepare(Act.RETRY, [("p", "a")], moving=None, by="anna", now=NOON)
    stopped = await a_run(runs, 2)
    await runs.stop(stopped, NOON)
    await runs.start(stopped, NOON)

    assert await runs.claim(NOON) is None


async def test_where_a_post_is_moved_to_is_fixed_once(runs: BulkRuns) -> None:
    """Whoever does it again, because the answer was lost, would else move it once more from where it is by then."""
    run_id = await a_run(runs, 2)

    await runs.fix_instants(run_id, {0: NOON})
    await runs.fix_instants(run_id, {0: NOON + SECOND, 1: NOON + SECOND})

    assert [one.move_to for one in await runs.left(run_id)] == [NOON, NOON + SECOND]


async def test_an_upgrade_stops_a_move_of_which_nobody_knows_how_far_it_came(runs: BulkRuns, database_url: str) -> None:
    """Old releases did not keep where a post is moved to: begun again, a day later would be two days later."""
    started = {
        name: (await runs.prepare(act, [("p-0", "a"), ("p-1", "a")], moving="{}", by="anna", now=NOON))["run_id"]
        for name, act in (("move", Act.MOVE), ("fixed move", Act.MOVE), ("done move", Act.MOVE), ("cancel", Act.CANCEL))
    }
    for run_id in started.values():
        await runs.start(run_id, NOON)
    await runs.fix_instants(started["fixed move"], {0: NOON, 1: NOON})
    await runs.record(started["done move"], [Result(0, "done"), Result(1, "done")], NOON)
    await as_before(database_url, MIGRATIONS, "0030")

    await migrate(database_url, MIGRATIONS)

    found = {name: await runs.run(run_id) for name, run_id in started.items()}
    assert {name: run and run["state"] for name, run in found.items()} == {
        "move": "stopped",
        "fixed move": "running",
        "done move": "running",
        "cancel": "running",
    }
    stopped = found["move"]
    assert stopped and stopped["ended_at"] == NOON and "move the rest again" in stopped["problem"]
