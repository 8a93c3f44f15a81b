"""What the scheduler tells of posts that are over: true where the publisher keeps them no longer, and less than the
publisher's own word where it does."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select, update

from services.console import retention
from services.console.reactions import reactions_of
from services.console.read_model.counting import TABLES
from services.console.rebuilding import Rebuilding
from services.console.tables.core import posts
from shared.database.engine import Database
from shared.database.purging import Purge
from shared.events import Event
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.progress import State
from shared.events.publisher import PublishFailed, PublishSkipped
from shared.events.rebuilding import FactTold, ScheduleTold, StateTold
from shared.messaging.envelope import Delivery
from tests.fakes.clock import FakeClock
from tests.integration.console.conftest import ReadModel
from tests.integration.console.test_read_model import ERROR, NOON, learn, succeeded

ENDED = datetime(2026, 11, 1, 12, tzinfo=UTC)

OVER = (
    (State.PUBLISHED, succeeded("p", at=NOON), "platform_post_id"),
    (State.FAILED, PublishFailed(post_id="p", account_id="a", revision=1, attempts=1, error=ERROR), "error"),
    (State.SKIPPED, PublishSkipped(post_id="p", account_id="a", revision=1, reason="too_late"), "reason"),
)


def told(state: State, changed_at: datetime | None = None) -> StateTold:
    schedule = ScheduleTold(
        post_id="p",
        account_id="a",
        revision=1,
        state=state,
        request_id="r",
        publish_at=NOON,
        content="It fell.",
        changed_at=changed_at,
    )
    return StateTold(service="scheduler", schedules=(schedule,))


def repeated(fact: Event, changed_at: datetime | None = None) -> StateTold:
    body = fact.model_dump(mode="json", exclude_none=True, by_alias=True)
    fact_told = FactTold(type=fact.type, correlation_id="c", body=body, changed_at=changed_at)
    return StateTold(service="publisher", facts=(fact_told,))


async def rebuild(model: ReadModel, *parts: StateTold) -> None:
    projector = model.projector
    rebuilding = Rebuilding(projector.store, reactions_of(projector), projector.clock)
    for number, part in enumerate(parts):
        await rebuilding.on_state_told(Delivery(part, f"m-{number}", f"c-{number}"))


@pytest.mark.parametrize("state", [state for state, _, _ in OVER])
async def test_a_post_that_only_the_scheduler_keeps_is_shown_as_it_ended(read_model: ReadModel, state: State) -> None:
    await rebuild(read_model, told(state))

    (listed,) = await read_model.queries.post("p")

    assert (listed.post.state, listed.due_at) == (state, NOON)


@pytest.mark.parametrize(("state", "fact", "said"), OVER, ids=[state for state, _, _ in OVER])
async def test_the_publishers_own_word_counts_more_in_either_order(
    read_model: ReadModel, state: State, fact: Event, said: str
) -> None:
    await learn(read_model, fact)
    (before,) = await read_model.queries.post("p")
    for parts in permutations((told(state), repeated(fact))):
        await rebuild(read_model, *parts)

    (listed,) = await read_model.queries.post("p")

    assert listed.post.standing == before.post.standing
    assert getattr(listed.post.standing, said)


async def purge(database: Database, now: datetime) -> None:
    """Delete what ended more than a week ago."""
    asked = RetentionPurgeRequested(before=now - timedelta(days=7), keep_succeeded=0, keep_failed=0)
    await Purge(database, FakeClock(now), asyncio.Event()).run(retention.RULES, asked)


async def counted(database: Database) -> dict[str, set[tuple[Any, ...]]]:
    """What every counter says."""
    rows = {table.name: await database.rows(select(*table.primary_key, table.c.posts)) for table in TABLES}
    return {name: {tuple(row.values()) for row in of_table if row["posts"]} for name, of_table in rows.items()}


@pytest.mark.parametrize(("state", "fact", "said"), OVER, ids=[state for state, _, _ in OVER])
async def test_a_post_that_was_deleted_here_is_neither_back_nor_counted_again(
    read_model: ReadModel, database_url: str, state: State, fact: Event, said: str
) -> None:
    database = Database(database_url)
    await learn(read_model, fact)
    await rebuild(read_model, told(state))
    async with database.transaction() as connection:
        await connection.execute(update(posts).values(updated_at=ENDED))
    await purge(database, ENDED + timedelta(days=8))
    assert await read_model.queries.post("p") == []
    before = await counted(database)

    await rebuild(read_model, repeated(fact, ENDED), told(state, ENDED))

    assert await read_model.queries.post("p") == []
    assert await counted(database) == before
    await database.close()


@pytest.mark.parametrize("is_cancelled_first", [True, False])
async def test_a_post_that_was_withdrawn_is_not_back_whatever_it_is_called(
    read_model: ReadModel, database_url: str, is_cancelled_first: bool
) -> None:
    skipped = PublishSkipped(post_id="p", account_id="a", revision=1, reason="cancelled")
    parts = repeated(skipped, ENDED), told(State.CANCELLED, ENDED)
    database = Database(database_url)
    await rebuild(read_model, parts[is_cancelled_first])
    await purge(database, ENDED + timedelta(days=8))

    await rebuild(read_model, *parts)

    assert await read_model.queries.post("p") == []
    await database.close()


@pytest.mark.parametrize("state", [state for state, _, _ in OVER])
async def test_what_an_empty_console_is_told_goes_when_its_time_is_over(
    read_model: ReadModel, database_url: str, state: State
) -> None:
    database = Database(database_url)
    await rebuild(read_model, told(state, ENDED))
    assert len(await read_model.queries.post("p")) == 1

    await purge(database, ENDED + timedelta(days=8))

    assert await read_model.queries.post("p") == []
    await database.close()


@pytest.mark.parametrize("ended", [ENDED + timedelta(days=2), None])
async def test_what_ended_after_what_was_deleted_is_learnt(
    read_model: ReadModel, database_url: str, ended: datetime | None
) -> None:
    database = Database(database_url)
    await rebuild(read_model, told(State.PUBLISHED, ENDED))
    await purge(database, ENDED + timedelta(days=8))

    await rebuild(read_model, told(State.PUBLISHED, ended))

    assert len(await read_model.queries.post("p")) == 1
    await database.close()
