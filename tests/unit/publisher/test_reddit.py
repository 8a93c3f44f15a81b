"""Reddit gets a title and what stands below it, and its answers are understood, however it words them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.publisher.platforms.base import Account
from services.publisher.platforms.errors import RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from services.publisher.platforms.reddit.options import OPTIONS
from services.publisher.platforms.reddit.platform import Reddit
from services.publisher.platforms.reddit.post import submission_of, subreddit_of, title_and_text
from services.publisher.platforms.reddit.replies import break_in
from tests.fakes.networks.base import Fault, Reply, refuses
from tests.fakes.networks.reddit import told
from tests.support.redditors import GIVEN, a_submission, reddit, redditor, submit

LONG = "x" * 301


@pytest.mark.parametrize(
    ("content", "options", "title", "text"),
    [
        ("One line", {}, "One line", ""),
        ("First\n\nSecond\nThird", {}, "First", "Second\nThird"),
        ("\n First \nSecond", {}, "First", "Second"),
        ("All of it\nstays", {"title": " Mine "}, "Mine", "All of it\nstays"),
        (LONG, {}, "x" * 299 + "…", LONG),
        ("", {"title": "Mine"}, "Mine", ""),
    ],
)
def test_the_first_line_is_the_title_unless_one_is_given(content: str, options: Any, title: str, text: str) -> None:
    assert title_and_text(a_submission(content, **options)) == (title, text)


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        ("Take a break for 7 minutes before trying again.", timedelta(minutes=7, seconds=1)),
        ("Take a break for 1 minute before trying again.", timedelta(minutes=1, seconds=1)),
        ("Take a break for 59 seconds before trying again.", timedelta(seconds=60)),
        ("Take a break for 120 milliseconds before trying again.", timedelta(seconds=1.12)),
        ("try again in 2 hours.", timedelta(hours=2, seconds=1)),
        ("try again in 999999 hours.", timedelta(days=1)),
        ("You are doing that too much.", timedelta(minutes=10)),
    ],
)
def test_a_wait_is_read_from_the_words(message: str, wait: timedelta) -> None:
    assert break_in(message) == wait


async def test_a_break_is_taken() -> None:
    async with reddit() as (platform, network, account):
        network.faults.append(
            Fault(lands=False, reply=told([["RATELIMIT", "Take a break for 7 minutes.", "ratelimit"]]))
        )
        with pytest.raises(RateLimited, match="Take a break") as caught:
            await submit(platform, account, a_submission())

    assert caught.value.retry_after == timedelta(minutes=7, seconds=1)


async def test_a_break_is_the_accounts_own_and_a_limit_the_whole_apps() -> None:
    """A break's headers speak of the app all the same."""
    async with reddit() as (platform, network, account):
        published = await (await platform.prepare(a_submission(), account)).send(datetime.now(UTC))
        errors = []
        for reply in (
            told([["RATELIMIT", "Take a break for 7 minutes.", "ratelimit"]]),
            Reply(429, {"message": "Too Many Requests", "error": 429}, {"x-ratelimit-reset": "60"}),
        ):
            network.faults.append(Fault(lands=False, reply=reply))
            with pytest.raises(RateLimited) as caught:
                await submit(platform, account, a_submission())
            errors.append(caught.value.whole_app)

    assert errors == [False, True]
    assert published.allowance is not None
    assert published.allowance.whole_app


async def test_what_reddit_refuses_is_told_in_its_words() -> None:
    async with reddit() as (platform, _, account):
        elsewhere = replace(account, settings={**account.settings, "subreddit": "nowhere"})
        with pytest.raises(Rejected, match="that community doesn't exist") as caught:
            await submit(platform, elsewhere, a_submission())

    assert caught.value.detail.code == "subreddit_noexist"


async def test_a_link_whose_reply_was_lost_is_found_when_it_is_there_already() -> None:
    async with reddit() as (platform, network, account):
        post = a_submission(url="https://ball.example/")
        first = await submit(platform, account, post)

        assert await submit(platform, account, post) == first
    assert len(network.posts) == 1


async def test_a_link_that_was_there_long_before_is_refused() -> None:
    async with reddit() as (platform, _, account):
        post = a_submission(url="https://ball.example/")
        await submit(platform, account, post)
        later = replace(post, publish_at=post.publish_at + timedelta(minutes=5))

        with pytest.raises(Rejected, match="posted more than once"):
            await submit(platform, account, later)
        assert await submit(platform, account, replace(later, options={**post.options, "resubmit": True}))


@pytest.mark.parametrize(("url", "is_found"), [("https://ball.example/a%20b/", True), ("https://ball.example/", False)])
async def test_a_link_is_found_as_reddit_writes_it(url: str, is_found: bool) -> None:
    async with reddit() as (platform, network, account):
        post = a_submission(url="https://Ball.example/a b")
        name = await submit(platform, account, post)
        network.posts[0].raw["listed"]["url"] = url

        found = await platform.look_up(post, account)

    assert (found.platform_post_id if found else None) == (name if is_found else None)


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({}, True),
        ({"selftext": "[removed]"}, True),
        ({"subreddit": "HARBOURS", "title": "The  ball drops."}, True),
        ({"subreddit": "ports"}, False),
        ({"title": "The ball"}, False),
        ({"selftext": "Another text"}, False),
        ({"is_self": False}, False),
        ({"created_utc": 1.0}, False),
    ],
)
async def test_a_look_up_finds_this_post_and_no_other(changes: dict[str, Any], is_found: bool) -> None:
    async with reddit() as (platform, network, account):
        post = a_submission("The ball drops.\nAt one.\n\nOr later.")
        await submit(platform, account, post)
        network.posts[0].raw["listed"].update(changes)

        found = await platform.look_up(post, account)

    assert (found is not None) is is_found
    if found:
        assert found.url == "https://www.reddit.com/r/harbours/comments/1/a_title/"


async def test_of_several_that_are_alike_the_oldest_is_meant() -> None:
    async with reddit() as (platform, network, account):
        post = a_submission()
        ids = [await submit(platform, account, post) for _ in range(2)]

        found = await platform.look_up(post, account)

    assert found is not None
    assert (found.platform_post_id, ids[0]) == (network.posts[0].id, network.posts[0].id)


async def test_a_list_that_goes_on_does_not_prove_that_the_post_is_not_there() -> None:
    async with reddit() as (platform, network, account):
        for number in range(101):
            await submit(platform, account, a_submission(f"Later {number}"))
        with pytest.raises(Rejected, match="and there are more"):
            await platform.look_up(a_submission("Never sent"), account)

        del network.posts[0]
        assert await platform.look_up(a_submission("Never sent"), account) is None


async def test_a_page_instead_of_a_list_does_not_say_that_the_post_is_not_there() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        is_me = request.url.path == "/api/v1/me"
        return httpx.Response(200, content=b'{"name": "harbour"}' if is_me else b"<html>Welcome!</html>")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Unavailable, match="no list"):
            await Reddit(client).look_up(a_submission(), redditor(access_token="t0ken"))


@pytest.mark.parametrize(
    ("me", "listed"),
    [
        ({"features": {}}, {"kind": "Listing", "data": {"children": []}}),
        ({"name": "harbour"}, {"kind": "Listing", "data": {}}),
        ({"name": "harbour"}, {"kind": "Listing", "data": {"children": ["t3_1"]}}),
    ],
    ids=["nobody's list", "no list", "no submissions in it"],
)
async def test_a_list_of_nobody_or_nothing_does_not_say_that_the_post_is_not_there(me: Any, listed: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=me if request.url.path == "/api/v1/me" else listed)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Unavailable):
            await Reddit(client).look_up(a_submission(), redditor(access_token="t0ken"))


@pytest.mark.parametrize("status", [500, 502, 504, 520])
async def test_a_gateway_that_gave_up_leaves_it_open_whether_the_post_is_there(status: int) -> None:
    async with reddit() as (platform, network, account):
        network.faults.append(refuses(status, b"<html>"))
        with pytest.raises(Unconfirmed):
            await submit(platform, account, a_submission())


async def test_a_page_instead_of_an_answer_confirms_nothing() -> None:
    async with reddit() as (platform, network, account):
        network.faults.append(Fault(lands=True, reply=Reply(body=b"<html>Welcome!</html>")))
        with pytest.raises(Unconfirmed):
            await submit(platform, account, a_submission())


async def test_a_token_lasts_an_hour_and_is_fetched_at_once() -> None:
    async with reddit() as (platform, network, account):
        now = datetime.now(UTC)
        new = replace(account, credentials={**GIVEN, **_app_of(account)})

        assert platform.token_expires_at(new) == datetime.fromtimestamp(0, UTC)
        renewed = await platform.refresh(new, now)

    assert renewed.expires_at == now + timedelta(hours=1)
    assert network.authority.admits(renewed.credentials["access_token"])


async def test_a_refresh_token_that_was_taken_back_needs_a_person() -> None:
    async with reddit() as (platform, network, account):
        network.authority.revoke()
        with pytest.raises(Unauthorized):
            await platform.refresh(account, datetime.now(UTC))


def _app_of(account: Account) -> dict[str, Any]:
    return {name: account.credentials[name] for name in ("client_id", "client_secret", "refresh_token")}


async def test_every_request_says_which_client_asks() -> None:
    async with reddit() as (platform, network, account):
        post = a_submission()
        await submit(platform, account, post)
        await platform.look_up(post, account)
        await platform.refresh(account, datetime.now(UTC))

    assert {call.headers["user-agent"].partition(":v")[0] for call in network.calls} == {"server:timeball.timeball-app"}


@pytest.mark.parametrize("given", ["harbours", "r/harbours", "/r/harbours/"])
def test_a_subreddit_is_named_in_any_of_the_usual_ways(given: str) -> None:
    assert subreddit_of(redditor({"subreddit": given})) == "harbours"


@pytest.mark.parametrize(
    ("account", "named"),
    [
        (redditor({"subreddit": "two words"}), "such as sailing (got 'two words')"),
        (
            redditor({"subreddit": None}),
            "settings.subreddit: write a subreddit's name, such as sailing (it is missing)",
        ),
        (redditor({"server": "ftp://x.example"}), "settings.server"),
        (redditor(client_id=""), "credentials.client_id"),
        (redditor(client_secret=None), "credentials.client_secret"),
        (redditor(client_secret="s3cret…"), "credentials.client_secret"),
        (redditor(refresh_token=7), "credentials.refresh_token"),
    ],
)
def test_what_cannot_work_is_named(account: Account, named: str) -> None:
    with pytest.raises(Rejected) as caught:
        Reddit(httpx.AsyncClient()).check(account)

    assert named in str(caught.value)
    assert "r3fresh" not in str(caught.value)


def test_accounts_of_one_app_share_its_limit() -> None:
    platform = Reddit(httpx.AsyncClient())

    assert platform.app_of(redditor()) == "app"
    assert platform.limits.app == {"per_minute": 100}


@pytest.mark.parametrize("data", ["nonsense", [1], 7])
async def test_an_answer_without_a_usable_submission_confirms_nothing(data: object) -> None:
    async with reddit() as (platform, network, account):
        network.faults.append(Fault(lands=True, reply=Reply(body={"json": {"errors": [], "data": data}})))
        with pytest.raises(Unconfirmed):
            await submit(platform, account, a_submission())


async def test_flags_may_be_texts_and_the_rules_say_so() -> None:
    form = submission_of(OPTIONS.checked(a_submission(nsfw="true", sendreplies="false", spoiler=None)), redditor())
    rules = await Reddit(httpx.AsyncClient()).rules(redditor())

    assert (form["nsfw"], form["sendreplies"], form["spoiler"]) == ("true", "false", "false")
    choices = {option.name: option.choices for option in rules.options}
    assert choices["nsfw"] == choices["resubmit"] == ("true", "false")
