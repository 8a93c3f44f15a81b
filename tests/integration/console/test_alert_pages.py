"""Alerts over HTTP: on the first page, on a page of their own, and for programs."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.console.web.pages.alerts import ON_A_PAGE
from services.console.web.pages.now import MOST_ALERTS
from shared.events.maintenance import AlertRaised
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica
from tests.integration.console.test_queue_pages import page

MINUTE = timedelta(minutes=1)


async def raise_alert(replica: Replica, code: str = "posts_failing", subject: str = "mastodon", **said: Any) -> None:
    """An alert that was raised an hour ago."""
    usual = {"severity": "critical", "message": "see `timeball status p`", "since": NOW - 60 * MINUTE}
    alert = AlertRaised(code=code, subject=subject, **{**usual, **said})
    await replica.console.queries.alerts.learn(alert, NOW - 30 * MINUTE, NOW)


async def get(replica: Replica, path: str) -> httpx.Response:
    async with replica.client(ADMIN_TOKEN) as http:
        return await http.get(path)


async def test_the_first_page_says_what_is_wrong_since_when_and_which_command_to_run(replica: Replica) -> None:
    await raise_alert(replica)

    html = await page(replica, "/")

    assert "<h2>Posts fail on mastodon</h2>" in html
    assert 'see <code class="command">timeball status p</code>' in html
    assert "1 h ago" in html


async def test_what_the_first_page_sees_by_itself_does_not_stand_there_twice(replica: Replica) -> None:
    await raise_alert(replica, "dead_letters", "publisher")
    await raise_alert(replica, "service_silent", "publisher")
    await raise_alert(replica, state="resolved")

    assert 'data-key="alert ' not in await page(replica, "/")
    assert "Messages rest in publisher.dead" in await page(replica, "/alerts")


async def test_of_many_the_worst_stand_on_the_first_page_and_the_others_are_linked(replica: Replica) -> None:
    for number in range(MOST_ALERTS):
        await raise_alert(replica, "job_failed", str(number), severity="warning")
    few = await page(replica, "/")
    await raise_alert(replica)

    html = await page(replica, "/")

    assert "See all alerts" not in few
    assert "5 worst of 6" in html
    assert html.count('data-key="alert ') == MOST_ALERTS
    assert "Posts fail on mastodon" in html


@pytest.mark.parametrize("path", ["/", "/alerts"])
async def test_what_somebody_else_wrote_is_text(replica: Replica, path: str) -> None:
    hostile = "<script>alert(1)</script> `<b>`"
    await raise_alert(replica, subject=hostile, message=hostile)

    html = await page(replica, path)

    assert "<script>alert(1)" not in html
    assert '<code class="command">&lt;b&gt;</code>' in html


async def test_an_empty_page_says_what_would_stand_there(replica: Replica) -> None:
    html = await page(replica, "/alerts")

    assert "Maintenance warns of nothing." in html
    assert "Nothing was wrong lately." in html


async def test_what_is_over_stands_below_with_from_when_to_when(replica: Replica) -> None:
    await raise_alert(replica, subject="bluesky")
    await raise_alert(replica, state="resolved", subject="bluesky")
    await raise_alert(replica)

    raised, over = (await page(replica, "/alerts")).split('data-region="resolved"')

    assert "Posts fail on mastodon" in raised
    assert "Posts fail on bluesky" in over
    assert "for 30.0 min" in over


async def test_more_than_a_page_are_read_page_by_page(replica: Replica) -> None:
    for number in range(ON_A_PAGE + 1):
        await raise_alert(replica, subject=f"n-{number:02}", state="resolved")

    first = await page(replica, "/alerts")
    following = first.rpartition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await page(replica, following)

    assert first.count('data-key="posts_failing') == ON_A_PAGE
    assert 'data-key="posts_failing n-00' in second
    assert "What is wrong" not in second


async def test_programs_get_what_is_so_what_is_over_or_all(replica: Replica) -> None:
    await raise_alert(replica)
    await raise_alert(replica, subject="bluesky", state="resolved")

    found = {
        query: [one["subject"] for one in (await get(replica, f"/v1/alerts{query}")).json()["alerts"]]
        for query in ("", "?state=raised", "?state=resolved", "?limit=1")
    }
    (alert,) = (await get(replica, "/v1/alerts?state=raised")).json()["alerts"]

    assert found == {
        "": ["mastodon", "bluesky"],
        "?state=raised": ["mastodon"],
        "?state=resolved": ["bluesky"],
        "?limit=1": ["mastodon"],
    }
    assert alert == {
        "code": "posts_failing",
        "subject": "mastodon",
        "severity": "critical",
        "message": "see `timeball status p`",
        "state": "raised",
        "since": "2027-03-28T11:00:00Z",
        "told_at": "2027-03-28T11:30:00Z",
        "resolved_at": None,
    }


async def test_pages_of_the_api_follow_one_another(replica: Replica) -> None:
    for number in range(3):
        await raise_alert(replica, subject=str(number))

    first = (await get(replica, "/v1/alerts?limit=2")).json()
    last = (await get(replica, f"/v1/alerts?limit=2&cursor={first['next']}")).json()

    assert [one["subject"] for one in (*first["alerts"], *last["alerts"])] == ["2", "1", "0"]
    assert last["next"] is None


@pytest.mark.parametrize(
    ("query", "says"),
    [("state=open", "state: "), ("cursor=tea", "cursor: 'tea' is none of ours"), ("code=x", "code: there is no such")],
)
async def test_what_cannot_be_asked_is_refused_with_the_way_out(replica: Replica, query: str, says: str) -> None:
    answer = await get(replica, f"/v1/alerts?{query}")

    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert answer.json()["detail"].startswith(says)
