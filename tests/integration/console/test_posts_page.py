"""`/posts`: what whoever does not say which posts they look for is shown, and where all of them are."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest

from services.console.domain.posts import Plan, Post, Standing
from services.console.read_model.counting import Counts
from services.console.read_model.rows import row_of_post
from services.console.tables.core import posts
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import Progress, State
from tests.integration.console.consoles import NOW, Replica
from tests.integration.console.test_queue_pages import page

HOURS: Mapping[str, tuple[State, int]] = {
    "far": (State.SCHEDULED, 900),
    "soon": (State.SCHEDULED, 1),
    "next": (State.RETRYING, -1),
    "over": (State.PUBLISHED, -2),
}
"""Posts, with the hours after which they are due."""


def a_post(name: str, state: State, hours: int) -> Post:
    return Post(name, "team", Standing(Progress(state, 1, 1)), Plan(1, True, NOW + timedelta(hours=hours), "r"))


async def learn(database: Database, names: Mapping[str, tuple[State, int]]) -> None:
    rows = [row_of_post(a_post(name, *what), NOW, 1) for name, what in names.items()]
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode(rows))
        await Counts(database).keep_up(connection, [(None, row) for row in rows])


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["next", "soon", "far"]),
        ("?account=team", ["next", "soon", "far"]),
        ("?state=all", ["far", "soon", "next", "over"]),
        ("?state=all&account=team", ["far", "soon", "next", "over"]),
        ("?state=published", ["over"]),
    ],
)
async def test_what_comes_next_stands_first_unless_something_else_is_looked_for(
    replica: Replica, query: str, shown: list[str]
) -> None:
    await learn(replica.console.queries.database, HOURS)

    html = await page(replica, f"/posts{query}")

    assert re.findall(r'class="row" data-key="(\w+) team"', html) == shown
    assert html.count('aria-current="true"') == 1


async def test_where_nothing_is_planned_the_others_are_one_step_away(replica: Replica) -> None:
    await learn(replica.console.queries.database, {"over": HOURS["over"]})

    html = await page(replica, "/posts")

    assert "Nothing is planned." in html
    assert 'href="/posts?state=all">Show all posts</a>' in html
