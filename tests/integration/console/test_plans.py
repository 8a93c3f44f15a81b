"""Every list is read by an index in its order, however many posts there are: nothing is scanned, nothing is sorted."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text

from services.console.app import MIGRATIONS
from services.console.cursor import Cursor
from services.console.domain.posts import Plan, Post, Standing
from services.console.read_model.due_spans import DueSpans, Place
from services.console.read_model.first_page import first_posts
from services.console.read_model.listing import Filter
from services.console.read_model.queries import Queries
from services.console.read_model.rows import row_of_post
from services.console.read_model.timeline import Timelines
from services.console.streaming.journal import Journal
from services.console.tables.core import posts as table
from shared.database.engine import Database
from shared.events.progress import Progress, State
from tests.integration.console.test_read_model import NOON
from tests.support.migrated import migrated

STANDING = Standing(Progress(State.SCHEDULED, 1, 0))
A_POST = Post("p-1", "a", STANDING, Plan(1, True, NOON, "r-1"))
THERE = Cursor(NOON, "p-1", "a")
TOMORROW = NOON + timedelta(days=1)
TWO_STATES, TWO_ACCOUNTS = (State.SCHEDULED, State.RETRYING), ("a", "b")
BIG = re.compile(r"\b(posts|happenings|journal|drafts|mentions|rejections|hourly_\w+|lateness_by_minute)\b")

_SORT = re.compile(r"TEMP B-TREE|Sort(?! Key)")

Asked = Callable[[Database], Awaitable[Any]]

LISTS: dict[str, Asked] = {
    "all": lambda database: Queries(database).list_posts(Filter(), THERE, 50),
    "the first page": lambda database: Queries(database).list_posts(Filter(is_ascending=True), None, 50),
    "of a state, the first page": lambda database: Queries(database).list_posts(
        Filter(states=[State.PUBLISHED]), None, 50
    ),
    "of an account": lambda database: Queries(database).list_posts(Filter(account_ids=["a"]), THERE, 50),
    "of a day": lambda database: Queries(database).list_posts(Filter(due_from=NOON, due_to=TOMORROW), None, 50),
    "of an account on a day": lambda database: Queries(database).list_posts(
        Filter(account_ids=["a"], due_from=NOON, due_to=TOMORROW, is_ascending=True), None, 50
    ),
    "what the first page shows": first_posts,
    "a post": lambda database: Queries(database).post("p-1"),
    "what came": lambda database: Journal(database).after(7),
    "mentions": lambda database: Queries(database).workspaces.mentions(None, THERE, 50),
    "mentions of a workspace": lambda database: Queries(database).workspaces.mentions("w", THERE, 50),
}
MERGED: dict[str, Asked] = {
    "of two states": lambda database: Queries(database).list_posts(Filter(states=TWO_STATES), THERE, 50),
    "of two accounts in two states": lambda database: Queries(database).list_posts(
        Filter(states=TWO_STATES, account_ids=TWO_ACCOUNTS), THERE, 50
    ),
}
"""Each part is read by its index as far as the page goes; only these few rows are sorted."""
SMALL_SORTS: dict[str, Asked] = {
    "the timeline of a post": lambda database: Timelines(database).of("p-1", "a"),
    "the ends of the journal": lambda database: Journal(database).span(),
    "what posts say": lambda database: Queries(database).drafts([A_POST, replace(A_POST, post_id="p-2")]),
    "rejections of a post": lambda database: Queries(database).rejections("p-1"),
    "how many are due on a day": lambda database: Queries(database).count_posts(
        Filter(due_from=NOON, due_to=TOMORROW), 9
    ),
    "how many are due in each span": lambda database: DueSpans(database).counts([(NOON, TOMORROW)], ""),
    "how many are due on an account": lambda database: DueSpans(database).counts([(NOON, TOMORROW)], "a"),
    "what is due in each span": lambda database: DueSpans(database).first([(NOON, TOMORROW)], "", 4),
    "what is due on an account": lambda database: DueSpans(database).first([(NOON, TOMORROW)], "a", 4),
    "what is due last in each span": lambda database: DueSpans(database).last([(NOON, TOMORROW)], "", 4),
    "what is due last on an account": lambda database: DueSpans(database).last([(NOON, TOMORROW)], "a", 4),
    "what is due near a post": lambda database: DueSpans(database).company([Place("p-1", "a", NOON)]),
    "lateness of the last hour": lambda database: Queries(database).counts.lateness_since(NOON),
}
"""What is sorted or summed here belongs to one post, one day or one hour."""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A read model, once on SQLite and once on PostgreSQL."""
    await migrated(database_url, MIGRATIONS)
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_is_read_in_its_order_by_an_index(database: Database, name: str) -> None:
    for plan in await plans_of(database, LISTS[name]):
        assert not _scans(plan), plan
        assert not _sorts(plan), plan
        assert not _filters(plan), plan


@pytest.mark.parametrize("name", MERGED)
async def test_only_the_first_of_each_part_of_a_list_are_sorted(database: Database, name: str) -> None:
    for plan in await plans_of(database, MERGED[name]):
        assert not _scans(plan), plan
        assert len(_SORT.findall(plan)) <= max(1, plan.count("SCAN part")), plan
        assert not _filters(plan), plan


async def test_the_latest_of_a_state_are_not_searched_for_among_what_is_to_come(database_url: str) -> None:
    """Where the planner knows how often each state is, and takes the posts of each to be spread evenly."""
    await migrated(database_url, MIGRATIONS)
    database = Database(database_url)
    states = [*[State.PUBLISHED] * 1800, *[State.SCHEDULED] * 200]
    posts = [
        replace(A_POST, post_id=f"p-{n:04}", standing=Standing(Progress(state, 1, 0))) for n, state in enumerate(states)
    ]
    async with database.transaction() as connection:
        rows = [row_of_post(one, NOON, 1) | {"due_at": NOON + timedelta(minutes=n)} for n, one in enumerate(posts)]
        await connection.execute(insert(table), rows)
        await connection.execute(text("ANALYZE"))

    (plan,) = await plans_of(database, LISTS["of a state, the first page"])
    listed = await Queries(database).list_posts(Filter(states=[State.PUBLISHED]), None, 2)

    assert "posts_by_state" in plan, plan
    assert [one.post.post_id for one in listed] == ["p-1799", "p-1798"]
    await database.close()


@pytest.mark.parametrize("name", SMALL_SORTS)
async def test_what_belongs_to_one_post_day_or_hour_is_found_by_an_index(database: Database, name: str) -> None:
    for plan in await plans_of(database, SMALL_SORTS[name]):
        assert not _scans(plan), plan


async def plans_of(database: Database, ask: Asked) -> list[str]:
    """How the database would go about each statement that is asked of it, when nothing but indexes is cheap."""
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
    await ask(database)
    about_big = [one for one in asked if BIG.search(one[0])]
    assert about_big
    async with database.reading() as connection:
        if database.dialect == "postgresql":
            for usual in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                await connection.execute(text(f"SET {usual} = off"))
        return [await connection.run_sync(_plan_of, *one) for one in about_big]


def _plan_of(connection: Connection, statement: str, values: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{explain} {statement}", values)
    return "\n".join(str(row[-1]) for row in rows)


def _scans(plan: str) -> bool:
    """Whether a table is read from end to end: an index in order is no scan if it ends at a limit, or has a bound."""
    return bool(re.search(r"Seq Scan|SCAN (?!counted$|part$|found$)\w+$", plan, re.MULTILINE))


def _filters(plan: str) -> bool:
    """Whether rows of other states, accounts or workspaces are read and passed over, as far as PostgreSQL says so."""
    return bool(re.search(r"Filter: .*(state|account_id|workspace_id)\)?(::text)? = ", plan))


def _sorts(plan: str) -> bool:
    return bool(_SORT.search(plan))
