"""`/posts/{id}` of a post on more accounts than one page holds."""

import re
from datetime import timedelta

from services.console.domain.posts import Content, Plan, Post, Standing
from services.console.read_model.rows import row_of_post
from services.console.tables.core import posts
from services.console.web.pages.post import ON_A_PAGE
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import Progress, State
from tests.integration.console.consoles import NOW, Replica
from tests.integration.console.test_queue_pages import page

MOST_BYTES = 500_000
FAILED = "team-098"
HELD = "team-099"
STATES = {FAILED: State.FAILED, HELD: State.HELD}


def on_account(account_id: str) -> Post:
    state = STATES.get(account_id, State.SCHEDULED)
    plan = Plan(1, True, NOW + timedelta(hours=1), "r")
    return Post("sale", account_id, Standing(Progress(state, 1, 1)), plan, Content(1, f'{{"content": "{"x" * 500}"}}'))


async def learn(database: Database, accounts: int) -> list[str]:
    """A post on so many accounts."""
    names = [f"team-{number:03}" for number in range(accounts)]
    rows = [row_of_post(on_account(name), NOW, 1) for name in names]
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode(rows))
    return names


def cards(html: str) -> list[str]:
    return re.findall(r'<article class="card" data-key="(team-\d+)"', html)


async def test_a_post_on_a_thousand_accounts_is_no_huge_page(replica: Replica) -> None:
    await learn(replica.console.queries.database, 1_000)

    html = await page(replica, "/posts/sale")

    assert len(html.encode()) < MOST_BYTES
    assert len(cards(html)) == ON_A_PAGE


async def test_accounts_come_page_by_page_and_those_to_decide_first(replica: Replica) -> None:
    names = await learn(replica.console.queries.database, 2 * ON_A_PAGE + 1)

    html = first = await page(replica, "/posts/sale")
    shown = cards(html)
    while following := re.search(r'rel="next" href="([^"]+)"', html):
        html = await page(replica, following[1])
        shown += cards(html)

    assert "On 101 accounts: 99 scheduled, 1 held, 1 failed." in first
    assert shown[:3] == [FAILED, HELD, names[0]]
    assert sorted(shown) == names
    assert 'href="/posts/sale">First page</a>' in html


async def test_a_post_on_a_few_accounts_has_one_page_in_their_order(replica: Replica) -> None:
    names = await learn(replica.console.queries.database, 21)

    html = await page(replica, "/posts/sale")

    assert cards(html) == names
    assert "pages" not in re.findall(r'<nav class="(\w+)"', html)
    assert "somebody must decide" not in html
