"""X gives texts back changed, and refuses the same again: a post is found all the same, and is not there twice."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.publisher.media.keeping import File
from services.publisher.media.picture import Picture
from services.publisher.platforms.allowance import Allowance
from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.errors import (
    AlreadyThere,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from services.publisher.platforms.judging import judged
from services.publisher.platforms.recognition import recognised
from services.publisher.platforms.reply import Reply as Answer
from services.publisher.platforms.x.platform import X
from services.publisher.platforms.x.post import seen_as
from services.publisher.platforms.x.replies import DIALECT
from shared.clocks.clock import SystemClock
from tests.fakes.networks.base import Fault, Reply, refuses
from tests.fakes.networks.x import DUPLICATE, XFake, shortened
from tests.support.publications import NOON, a_post, an_account

GIVEN = {"client_id": "app", "access_token": "t0ken", "refresh_token": "r3fresh"}


def a_tweet(content: str = "The ball drops.", **options: Any) -> Post:
    return replace(a_post(), content=content, media=[], options=options, publish_at=datetime.now(UTC))


def poster(settings: Any = None, **credentials: Any) -> Account:
    return an_account("x", settings=settings, credentials=GIVEN | credentials)


@asynccontextmanager
async def x() -> AsyncIterator[tuple[X, XFake, Account]]:
    """The adapter, the network, and an account that has signed in there."""
    async with XFake(clock=SystemClock()).serving() as network, httpx.AsyncClient() as client:
        yield X(client), network, poster({"server": network.url}, **network.authority.sign_in())


async def send(platform: X, account: Account, post: Post) -> str | None:
    return (await (await platform.prepare(post, account)).send(datetime.now(UTC))).platform_post_id


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("The ball drops.", {}),
        ("Fish & chips <3", {}),
        ("See https://ball.example/a?b=1&c=2 and https://ball.example", {}),
        ("A picture", {"media": {"media_ids": ["1"]}}),
        ("https://ball.example/ with a picture", {"media": {"media_ids": ["1"]}}),
        ("Two\n\nlines ", {}),
        ("Cafe\u0301", {}),
    ],
)
def test_a_post_is_recognised_as_x_gives_it_back(content: str, told: dict[str, Any]) -> None:
    listed = shortened({"text": content} | told) | {"created_at": NOON.isoformat()}

    assert is_found(listed, a_tweet(content))


def is_found(listed: dict[str, Any], post: Post) -> bool:
    """Whether what X lists is this post, which was due at noon."""
    return recognised([seen_as(listed, post, poster())], NOON, is_all=True) is not None


def listed_as(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "created_at": "2027-03-28T12:00:00.000Z"} | more


def linked_as(full: str) -> dict[str, Any]:
    return listed_as("See https://t.co/1", entities={"urls": [{"url": "https://t.co/1", "expanded_url": full}]})


@pytest.mark.parametrize(
    ("listed", "post", "expected"),
    [
        (listed_as("See https://t.co/1", entities={"urls": [{"url": "https://t.co/1", "expanded_url": "http://b.co"}]}),
         a_tweet("See b.co"), True),
        (linked_as("http://ball.example/Path"), a_tweet("See Ball.EXAMPLE/Path"), True),
        (linked_as("https://xn--mller-kva.de/"), a_tweet("See https://müller.de"), True),
        (linked_as("https://de.example/K%C3%B6ln"), a_tweet("See https://de.example/Köln"), True),
        (linked_as("https://ball.example/a"), a_tweet("See https://ball.example/b"), False),
        (listed_as("The ball dropped."), a_tweet(), False),
        (listed_as("The ball drops.", created_at="2027-03-28T11:59:59Z"), a_tweet(), False),
        (listed_as("The ball", note_tweet={"text": "The ball drops."}), a_tweet(), True),
        (listed_as("@pilot @crew Aye."), a_tweet("Aye.", in_reply_to_tweet_id="1"), True),
        (listed_as("@pilot Aye."), a_tweet("Aye."), False),
        (listed_as("@pilot Aye."), a_tweet("@crew Aye."), False),
        (listed_as("Nay. Aye."), a_tweet("Aye.", in_reply_to_tweet_id="1"), False),
    ],
)  # fmt: skip
def test_no_other_post_is_taken_for_it(listed: dict[str, Any], post: Post, expected: bool) -> None:
    assert is_found(listed, post) is expected


async def test_a_duplicate_of_an_attempt_whose_reply_was_lost_is_that_attempt() -> None:
    async with x() as (platform, network, account):
        post = a_tweet("See https://ball.example & more")
        first = await send(platform, account, post)

        assert await send(platform, account, post) == first
    assert len(network.posts) == 1


async def test_a_duplicate_of_an_old_post_is_refused() -> None:
    async with x() as (platform, _, account):
        post = a_tweet()
        await send(platform, account, post)

        with pytest.raises(AlreadyThere, match="duplicate content"):
            await send(platform, account, replace(post, publish_at=post.publish_at + timedelta(minutes=5)))


async def test_a_duplicate_that_cannot_be_looked_up_is_left_open() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        detail = DUPLICATE if request.method == "POST" else "Your plan does not include this."
        return httpx.Response(403, json={"detail": detail})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Unconfirmed, match=r"duplicate content.*Your plan"):
            await send(X(client), poster(), a_tweet())


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_a_duplicate_that_cannot_be_looked_up_now_is_left_open(status: int) -> None:
    """What the look-up says is not said of the post."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_post = request.method == "POST"
        return httpx.Response(403 if is_post else status, json={"detail": DUPLICATE if is_post else "Not now."})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Unconfirmed, match="cannot be found out"):
            await send(X(client), poster(), a_tweet())


async def test_a_page_instead_of_a_list_does_not_say_that_the_post_is_not_there() -> None:
    answer = httpx.Response(200, content=b"<html>Welcome!</html>")
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        with pytest.raises(Unavailable, match="names no account"):
            await X(client).look_up(a_tweet(), poster())


async def test_another_refusal_asks_for_nothing_more() -> None:
    async with x() as (platform, network, account):
        network.faults.append(refuses(403, {"title": "Forbidden", "detail": "You may not.", "status": 403}))
        with pytest.raises(Rejected, match=r"HTTP 403: You may not\."):
            await send(platform, account, a_tweet())

    assert len(network.calls) == 1


@pytest.mark.parametrize("status", [403, 500, 502, 504])
async def test_a_page_of_another_server_leaves_it_open_whether_the_post_is_there(status: int) -> None:
    async with x() as (platform, network, account):
        network.faults.append(refuses(status, b"<html>"))
        with pytest.raises(Unconfirmed):
            await send(platform, account, a_tweet())


async def test_a_page_instead_of_an_answer_confirms_nothing() -> None:
    async with x() as (platform, network, account):
        network.faults.append(Fault(lands=True, reply=Reply(body=b"<html>Welcome!</html>")))
        with pytest.raises(Unconfirmed):
            await send(platform, account, a_tweet())


@pytest.mark.parametrize("secret", ["app-s3cret", ""], ids=["confidential", "public"])
async def test_a_refresh_token_is_good_for_one_refresh(secret: str) -> None:
    async with x() as (platform, network, account):
        network.authority.client_secret = secret
        signed_in = replace(account, credentials={**account.credentials, "client_secret": secret})
        now = datetime.now(UTC)
        renewed = await platform.refresh(signed_in, now)

        assert renewed.expires_at == now + timedelta(hours=2)
        assert renewed.credentials["refresh_token"] != signed_in.credentials["refresh_token"]
        with pytest.raises(Unauthorized, match="invalid_grant"):
            await platform.refresh(signed_in, now)
        assert not network.authority.admits(renewed.credentials["access_token"])


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (503, b"busy", Unavailable),
        (429, b'{"error": "slow down"}', RateLimited),
        (200, b"{}", Unavailable),
    ],
)
async def test_a_refresh_that_was_not_answered_is_no_refusal(
    status: int, body: bytes, expected: type[Exception]
) -> None:
    answer = httpx.Response(status, content=body)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        with pytest.raises(expected):
            await X(client).refresh(poster(), NOON)


RESETS_AT = {"x-rate-limit-reset": str(int(NOON.timestamp()) + 600)}
TOMORROW = str(int(NOON.timestamp()) + 40_000)


@pytest.mark.parametrize(
    ("headers", "wait", "whole_app"),
    [
        ({"x-rate-limit-remaining": "0"}, timedelta(minutes=10), False),
        ({"x-rate-limit-remaining": "0", "x-user-limit-24hour-remaining": "3"}, timedelta(minutes=10), False),
        ({"x-rate-limit-remaining": "9", "x-user-limit-24hour-remaining": "0"}, timedelta(seconds=40_000), False),
        ({"x-rate-limit-remaining": "0", "x-app-limit-24hour-remaining": "0"}, timedelta(seconds=40_000), True),
        ({"x-rate-limit-remaining": "9", "x-user-limit-24hour-remaining": "-1"}, timedelta(seconds=40_000), False),
        ({"x-rate-limit-remaining": "9", "x-app-limit-24hour-remaining": "0.0"}, timedelta(seconds=40_000), True),
    ],
)
@pytest.mark.parametrize("status", [201, 429])
def test_of_several_limits_the_one_that_is_used_up_counts(
    headers: dict[str, str], wait: timedelta, whole_app: bool, status: int
) -> None:
    daily = {"x-user-limit-24hour-reset": TOMORROW, "x-app-limit-24hour-reset": TOMORROW}
    reply = Answer(status, RESETS_AT | daily | headers, b"{}", NOON)

    allowance, error = DIALECT.allowance_in(reply), judged(reply, DIALECT, publishes=True)

    assert allowance == Allowance(0, NOON + wait, whole_app=whole_app)
    if status != 201:
        assert isinstance(error, RateLimited)
        assert (error.retry_after, error.whole_app) == (wait, whole_app)


@pytest.mark.parametrize(("scope", "whole_app"), [("Product", True), ("Account", True), (None, False)])
def test_a_cap_of_the_apps_plan_is_the_whole_apps(scope: str | None, whole_app: bool) -> None:
    capped = {"title": "UsageCapExceeded", "detail": "Usage cap exceeded", "period": "Monthly", "scope": scope}

    error = judged(Answer(429, {}, json.dumps(capped).encode(), NOON), DIALECT, publishes=True)

    assert isinstance(error, RateLimited)
    assert error.whole_app is whole_app


async def test_where_the_name_is_known_the_address_has_it() -> None:
    async with x() as (platform, _, account):
        named = replace(account, settings={**account.settings, "username": "harbour"})
        published = await (await platform.prepare(a_tweet(), named)).send(datetime.now(UTC))

    assert published.url == f"https://x.com/harbour/status/{published.platform_post_id}"


async def test_longer_posts_are_a_matter_of_the_account() -> None:
    platform = X(httpx.AsyncClient())

    usual, paying = [await platform.rules(poster(settings)) for settings in ({}, {"max_length": 25_000})]

    assert usual.text and paying.text
    assert (usual.text.most, usual.text.counted_in, paying.text.most) == (280, "weighted", 25_000)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        (poster(client_id=None), "credentials.client_id"),
        (poster(access_token=""), "credentials.access_token"),
        (poster(client_secret=4711), "credentials.client_secret"),
        (poster(client_secret="s3cret…"), "credentials.client_secret"),
        (poster(refresh_token=None), "credentials.refresh_token"),
        (poster(expires_at="tomorrow"), "credentials.expires_at: "),
        (poster({"server": 7}), "such as https://api.x.com (got 7)"),
        (poster({"max_length": "long"}), "settings.max_length: 'long'"),
    ],
)
def test_what_cannot_work_is_named(account: Account, named: str) -> None:
    with pytest.raises(Rejected) as caught:
        X(httpx.AsyncClient()).check(account)

    assert named in str(caught.value)
    assert "r3fresh" not in str(caught.value)


@pytest.mark.parametrize(
    ("me", "tweets"), [("nonsense", []), ([1], []), ({"id": "1"}, "nonsense"), ({"id": "1"}, [7]), ({"id": "1"}, None)]
)
async def test_a_look_up_that_cannot_be_read_is_tried_again(me: object, tweets: object) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": me if request.url.path.endswith("/me") else tweets})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Unavailable):
            await X(client).look_up(a_tweet(), poster())


async def test_a_list_that_goes_on_does_not_prove_that_the_post_is_not_there() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/me"):
            return httpx.Response(200, json={"data": {"id": "1"}})
        others = [listed_as("Another.", id="2") | {"created_at": datetime.now(UTC).isoformat()}]
        return httpx.Response(200, json={"data": others, "meta": {"next_token": "more"}})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Rejected, match="and there are more"):
            await X(client).look_up(a_tweet(), poster())


async def test_a_picture_without_words_is_not_taken_for_another() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        data = {"id": "1"} if request.url.path.endswith("/me") else [listed_as("", id="2")]
        return httpx.Response(200, json={"data": data, "meta": {}})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Rejected, match="without any words"):
            await X(client).look_up(replace(a_tweet(""), publish_at=NOON), poster())


async def test_an_upload_whose_reply_cannot_be_read_is_tried_again() -> None:
    answer = httpx.Response(200, json={"data": "nonsense"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        with pytest.raises(Unavailable, match="names no picture"):
            picture = Picture(File(Path("/dev/null"), 0, ""), "image/png", 1, 1, moves=False)
            await X(client)._upload(picture, poster())


async def test_the_rules_name_what_a_post_needs_and_its_ids() -> None:
    rules = await X(httpx.AsyncClient()).rules(poster())

    assert rules.needs_one_of == ("content", "media")
    assert {one.name for one in rules.options if one.is_number} == {"in_reply_to_tweet_id", "quote_tweet_id"}
