"""The calendar of very many posts: small pages, true numbers, each hour where the clock has it."""

import gzip
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.console.access.actors import LOCAL
from services.console.access.sessions import cookie_of
from services.console.domain.accounts import Account, Link, Token
from services.console.domain.posts import Plan, Post, Standing
from services.console.read_model.due_spans import Company, DueSpans, Place
from services.console.read_model.rows import row_of_account, row_of_post
from services.console.tables.core import accounts, drafts, posts
from services.console.web.pages.calendar import MOST_OF_AN_HOUR
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import Progress, State
from tests.integration.console.consoles import NOW, Replica

pytestmark = pytest.mark.timeout(120)

MOST_BYTES = 60_000
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
MANY = 10_000
TEXT = "כדור הזמן נופל בצהריים בדיוק, ומי שרוצה מכוון לפיו את שעונו"


def a_post(number: int, due_at: datetime, account_id: str = "") -> Post:
    standing = Standing(Progress(State.SCHEDULED, 1))
    plan = Plan(1, True, due_at, f"request-{number}")
    return Post(str(UUID(int=number, version=4)), account_id or f"account-of-team-{number % 12}", standing, plan)


async def fill(database: Database, kept: Sequence[Post]) -> None:
    rows = [row_of_post(post, NOW, 1) for post in kept]
    said = [
        {"request_id": f"request-{number}", "post_id": post.post_id, "position": 0, "seen_at": NOW}
        | {"body": f'{{"post_id": "{post.post_id}", "content": "{TEXT}", "targets": []}}'}
        for number, post in enumerate(kept)
    ]
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode(rows))
        await connection.execute(bulk.insert(drafts, list(drafts.columns), database.dialect), bulk.encode(said))


async def page(replica: Replica, query: str) -> str:
    session = await replica.console.sessions.begin(LOCAL)
    async with replica.client(headers={"Cookie": f"{cookie_of(False)}={session}"}) as http:
        answer = await http.get(f"/calendar?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_month_of_ten_thousand_posts_is_a_small_page_with_true_numbers(replica: Replica) -> None:
    apart = timedelta(days=31) / MANY
    await fill(replica.console.queries.database, [a_post(number, MARCH + number * apart) for number in range(MANY)])

    for view in ("month", "week", "day"):
        html = await page(replica, f"view={view}&date=2027-03-10&zone=UTC")
        size, packed = len(html.encode()), len(gzip.compress(html.encode()))
        print(f"{view}: {size:,} bytes, {packed:,} gzipped")
        assert size <= MOST_BYTES
        shown = html.count("<time>")
        hidden = sum(int(more.replace(",", "")) for more in re.findall(r">\+([\d,]+) more<", html))
        assert shown + hidden == {"month": MANY, "week": 2258, "day": 322}[view]


async def test_a_burst_makes_no_hour_of_a_week_higher_than_the_others_can_be_seen_beside(replica: Replica) -> None:
    burst = [a_post(number, MARCH + timedelta(hours=9, seconds=number)) for number in range(100)]
    await fill(replica.console.queries.database, burst)

    week = await page(replica, "view=week&date=2027-03-01&zone=UTC")
    day = await page(replica, "view=day&date=2027-03-01&zone=UTC")

    assert (week.count("<time>"), day.count("<time>")) == (MOST_OF_AN_HOUR["week"], 100)
    assert f">+{100 - MOST_OF_AN_HOUR['week']} more<" in week


async def test_of_today_a_month_shows_what_comes_next_and_else_what_was_last(replica: Replica) -> None:
    due = [NOW + timedelta(minutes=minutes) for minutes in (-50, -40, -30, -20, -10, 10, 20, 30)]
    await fill(replica.console.queries.database, [a_post(number, at) for number, at in enumerate(due)])
    query = f"view=month&date={NOW:%Y-%m-%d}&zone=UTC"

    assert times_in(await page(replica, query)) == [f"{at:%H:%M}" for at in due[4:]]  # three are to come, one was last

    await fill(replica.console.queries.database, [a_post(number, NOW + timedelta(hours=1)) for number in (8, 9)])
    html = await page(replica, query)
    assert times_in(html) == [f"{at:%H:%M}" for at in (*due[5:], NOW + timedelta(hours=1))]
    assert ">+6 more<" in html


def times_in(html: str) -> list[str]:
    return re.findall("<time>(.*?)</time>", html)


async def test_posts_of_one_account_are_shown_alone(replica: Replica) -> None:
    kept = [a_post(number, MARCH + timedelta(hours=number), f"account-{number % 2}") for number in range(4)]
    await fill(replica.console.queries.database, kept)

    html = await page(replica, "view=week&date=2027-03-01&zone=UTC&account=account-1")

    assert html.count("<b>account-1</b>") == 2
    assert "<b>account-0</b>" not in html


async def test_a_post_whose_account_must_be_connected_again_is_marked(replica: Replica) -> None:
    database = replica.console.queries.database
    await fill(database, [a_post(1, MARCH, "well"), a_post(2, MARCH, "expired")])
    for name in ("well", "expired"):
        account = Account(name, Link(NOW, True, "x"), Token(NOW, None, needs_reconnect=name == "expired"))
        async with database.transaction() as connection:
            await connection.execute(accounts.insert().values(row_of_account(account, NOW, 1)))

    html = await page(replica, "view=month&date=2027-03-01&zone=UTC")

    marked = re.findall("<mark>not connected</mark>.*?<b>(.*?)</b>", html)
    assert marked == ["expired"]


async def test_a_phone_is_shown_a_day_unless_it_asks_for_more(replica: Replica) -> None:
    session = await replica.console.sessions.begin(LOCAL)
    phone = {"User-Agent": "Mozilla/5.0 (iPhone; …) Mobile/15E148".replace("…", "x")}
    async with replica.client(headers={"Cookie": f"{cookie_of(False)}={session}"} | phone) as http:
        assert 'class="hours is-day"' in (await http.get("/calendar")).text
        assert 'class="month"' in (await http.get("/calendar?view=month")).text


async def test_company_is_who_is_due_on_the_same_account_at_the_same_instant_or_near_it(replica: Replica) -> None:
    database, near, far = replica.console.queries.database, timedelta(minutes=4), timedelta(minutes=5)
    times = [MARCH, MARCH, MARCH + far + near, MARCH + far + near * 2, MARCH + 10 * far]
    kept = [a_post(number, at, "a") for number, at in enumerate(times)] + [a_post(9, MARCH + 10 * far, "b")]
    await fill(database, kept)

    places = [Place(post.post_id, post.account_id, post.plan.publish_at) for post in kept if post.plan]
    company = await DueSpans(database).company(places)

    at_once, is_near, alone = Company(True, True), Company(False, True), Company()
    assert company == [at_once, at_once, is_near, is_near, alone, alone]
    assert await DueSpans(database).company([]) == []
