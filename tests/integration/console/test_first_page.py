"""The first page with more than it can show."""

import re
from datetime import timedelta

from services.console.domain.posts import Plan, Post, Standing
from services.console.read_model.counting import Counts
from services.console.read_model.first_page import MOST_DECISIONS
from services.console.read_model.rows import row_of_post
from services.console.tables.core import posts
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import Progress, State
from tests.integration.console.consoles import NOW, Replica
from tests.integration.console.test_queue_pages import page

ALL = '<a href="/posts?state=unknown&amp;state=held">See all'


async def learn(database: Database, unknown: int) -> None:
    """So many posts whose outcome is not known."""
    standing, plan = Standing(Progress(State.UNKNOWN, 1, 1)), Plan(1, True, NOW, "r")
    rows = [row_of_post(Post(f"p-{number}", "a", standing, plan), NOW, 1) for number in range(unknown)]
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode(rows))
        await Counts(database).keep_up(connection, [(None, row) for row in rows])


async def test_of_hundreds_of_unknown_outcomes_all_are_counted_and_the_others_linked(replica: Replica) -> None:
    await learn(replica.console.queries.database, 312)

    html = await page(replica, "/")

    assert ">312 posts wait for you</h2>" in html
    assert html.count("It is not out</button>") == MOST_DECISIONS
    assert f"{ALL} 312</a>" in html


async def test_what_is_shown_in_full_is_not_linked_again(replica: Replica) -> None:
    await learn(replica.console.queries.database, MOST_DECISIONS)

    html = await page(replica, "/")

    assert ">Waits for you</h2>" in html
    assert ALL not in html


async def test_what_should_be_out_and_nobody_has_said_that_it_waits_is_marked(replica: Replica) -> None:
    later, long_ago = NOW + timedelta(minutes=3), NOW - timedelta(minutes=3)
    known = {
        "to-come": (Standing(Progress(State.SCHEDULED, 1)), later),
        "not-sent": (Standing(Progress(State.SCHEDULED, 1)), long_ago),
        "unheard": (Standing(Progress(State.DISPATCHED, 1)), long_ago),
        "waits": (Standing(Progress(State.RETRYING, 1, 1), next_attempt_at=later), long_ago),
        "waited": (Standing(Progress(State.RETRYING, 1, 1), next_attempt_at=long_ago), long_ago),
        "just-due": (Standing(Progress(State.DISPATCHED, 1)), NOW - timedelta(minutes=1)),
    }
    rows = [row_of_post(Post(name, "a", told, Plan(1, True, at, "r")), NOW, 1) for name, (told, at) in known.items()]
    database = replica.console.queries.database
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode(rows))

    shown = (await page(replica, "/")).split('<li class="row"')[1:]

    assert len(shown) == len(known)
    assert {re.findall('data-key="(.*?) a"', row)[0] for row in shown if ">Overdue<" in row} == {
        "not-sent", "unheard", "waited",
    }  # fmt: skip
