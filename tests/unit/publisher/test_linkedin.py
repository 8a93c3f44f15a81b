"""LinkedIn gets every text whole, and a person is told long before a year is over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.accounts.credentials import stored
from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.errors import AlreadyThere, RateLimited, Rejected, Unauthorized, Unconfirmed
from services.publisher.platforms.linkedin.platform import VERSION, LinkedIn, share_of
from services.publisher.platforms.linkedin.text import little_text
from shared.clocks.clock import SystemClock
from shared.events.requests import AccountConnectRequested
from shared.secrets.vault import Vault
from tests.fakes.networks.base import refuses
from tests.fakes.networks.linkedin import LinkedInFake, read
from tests.support.publications import NOON, a_post, an_account
from tests.support.waiting import LATE

AUTHOR = "urn:li:organization:17"
GIVEN = {"client_id": "app", "client_secret": "s3cret", "access_token": "t0ken"}


def a_share(content: str = "The ball drops.", **options: Any) -> Post:
    return replace(a_post(), content=content, media=[], options=options)


def author(settings: Any = None, **credentials: Any) -> Account:
    return an_account("linkedin", settings={"author": AUTHOR} | (settings or {}), credentials=GIVEN | credentials)


@asynccontextmanager
async def linkedin() -> AsyncIterator[tuple[LinkedIn, LinkedInFake, Account]]:
    """The adapter, the network, and an account that has signed in there."""
    async with LinkedInFake(clock=SystemClock()).serving() as network, httpx.AsyncClient() as client:
        yield LinkedIn(client), network, author({"server": network.url}, **network.authority.sign_in())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    assert read(little_text(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("#one and #time_ball", r"{hashtag|#|one} and {hashtag|#|time\_ball}"),
        ("#1 is no tag, #1st is", r"\#1 is no tag, {hashtag|#|1st} is"),
        ("(#größe)", r"\({hashtag|#|größe}\)"),
        ("https://x.example/a_b#part", r"https://x.example/a\_b\#part"),
        ("https://en.wikipedia.org/wiki/Foo_(bar)#History", r"https://en.wikipedia.org/wiki/Foo\_\(bar\)\#History"),
        ("https://x.example/?q=#top, #tag", r"https://x.example/?q=\#top, {hashtag|#|tag}"),
        ("x.example.com/(a)#b\n#tag", "x.example.com/\\(a\\)\\#b\n{hashtag|#|tag}"),
        ("(https://x.example) #tag", r"\(https://x.example\) {hashtag|#|tag}"),
        ("C# and a##b", r"C\# and a\#\#b"),
        ("Hi @[A_B (Co)](urn:li:person:x-Y1)!", r"Hi @[A\_B \(Co\)](urn:li:person:x-Y1)!"),
        ("me@x.example, @[A](https://x.example)", r"me\@x.example, \@\[A\]\(https://x.example\)"),
        ("5 * 3 < 20 ~ {a|b}", r"5 \* 3 \< 20 \~ \{a\|b\}"),
    ],
)
def test_hashtags_and_mentions_are_elements_and_nothing_else_is(text: str, written: str) -> None:
    assert little_text(text) == written


async def test_a_post_names_the_version_it_is_written_for() -> None:
    async with linkedin() as (platform, network, account):
        await (await platform.prepare(a_share(), account)).send(NOON)
        old = replace(account, settings={**account.settings, "api_version": "202401"})
        with pytest.raises(Rejected, match="Requested version 20240101 is not active"):
            await (await platform.prepare(a_share("Again."), old)).send(NOON)

    assert [call.headers["linkedin-version"] for call in network.publishing_calls()] == [VERSION, "202401"]


async def test_the_same_text_again_is_refused_with_the_post_that_has_it() -> None:
    async with linkedin() as (platform, network, account):
        ready = await platform.prepare(a_share(), account)
        first = await ready.send(NOON)
        with pytest.raises(AlreadyThere, match=f"duplicate of {first.platform_post_id}"):
            await ready.send(NOON)

    assert len(network.posts) == 1


@pytest.mark.parametrize("status", [502, 504])
async def test_a_gateway_that_gave_up_leaves_it_open_whether_the_post_is_there(status: int) -> None:
    async with linkedin() as (platform, network, account):
        network.faults.append(refuses(status, b"<html>"))
        ready = await platform.prepare(a_share(), account)
        with pytest.raises(Unconfirmed):
            await ready.send(NOON)


async def test_a_limit_without_an_end_is_waited_for_at_leisure() -> None:
    async with linkedin() as (platform, network, account):
        network.faults.append(refuses(429, {"message": "Resource level throttle limit reached", "status": 429}))
        ready = await platform.prepare(a_share(), account)
        with pytest.raises(RateLimited, match="throttle") as caught:
            await ready.send(NOON)

    assert caught.value.retry_after == timedelta(minutes=15)


async def test_a_refresh_does_not_put_off_the_end_of_the_refresh_token() -> None:
    async with linkedin() as (platform, network, account):
        now = datetime.now(UTC)
        renewed = await platform.refresh(account, now)
        again = await platform.refresh(account, now)

        assert network.authority.admits(renewed.credentials["access_token"])
    assert renewed.expires_at == now + timedelta(days=60)
    assert renewed.refresh_expires_at and again.refresh_expires_at
    assert abs(renewed.refresh_expires_at - now - timedelta(days=365)) < LATE
    assert again.refresh_expires_at <= renewed.refresh_expires_at


async def test_a_refresh_token_that_was_taken_back_needs_a_person() -> None:
    async with linkedin() as (platform, network, account):
        network.authority.revoke()
        with pytest.raises(Unauthorized, match="invalid_grant"):
            await platform.refresh(account, NOON)


def test_without_a_refresh_token_nothing_is_renewed() -> None:
    platform = LinkedIn(httpx.AsyncClient())

    assert [platform.can_refresh(author(**more)) for more in ({}, {"refresh_token": "r"})] == [False, True]


def test_the_credentials_tell_when_the_tokens_end() -> None:
    platform = LinkedIn(httpx.AsyncClient())
    account = author(expires_at="2027-05-01T00:00:00+02:00", refresh_expires_at="2028-03-01T00:00:00Z")

    assert platform.token_expires_at(account) == datetime(2027, 4, 30, 22, tzinfo=UTC)
    assert platform.refresh_expires_at(account) == datetime(2028, 3, 1, tzinfo=UTC)
    assert (platform.token_expires_at(author()), platform.refresh_expires_at(author())) == (None, None)


def test_when_a_person_is_needed_again_is_known_as_soon_as_the_account_is_connected() -> None:
    account = author(expires_at="2027-05-01T00:00:00Z", refresh_expires_at="2028-03-01T00:00:00Z")
    request = AccountConnectRequested(account_id="account", platform="linkedin", settings=dict(account.settings))
    vault = Vault.from_keys(Fernet.generate_key().decode())

    kept = stored(request, account, LinkedIn(httpx.AsyncClient()), None, vault=vault, now=NOON)

    assert kept.token_expires_at == datetime(2027, 5, 1, tzinfo=UTC)
    assert kept.refresh_expires_at == datetime(2028, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        (author({"author": "17"}), "urn:li:organization:… (got '17')"),
        (
            author({"author": None}),
            "settings.author: write a URN: urn:li:person:… or urn:li:organization:… (it is missing)",
        ),
        (author({"server": "api.linkedin.com"}), "such as https://api.linkedin.com (got 'api.linkedin.com')"),
        (author({"api_version": "2026-08"}), "settings.api_version: '2026-08'"),
        (author(client_secret=""), "credentials.client_secret"),
        (author(access_token=None), "credentials.access_token"),
        (author(expires_at="soon"), "credentials.expires_at: "),
        (author(refresh_expires_at="2027-05-01T00:00:00"), "credentials.refresh_expires_at"),
    ],
)
def test_what_cannot_work_is_named(account: Account, named: str) -> None:
    with pytest.raises(Rejected) as caught:
        LinkedIn(httpx.AsyncClient()).check(account)

    assert named in str(caught.value)


def test_a_link_leaves_no_room_for_pictures() -> None:
    post = replace(a_share(url="https://ball.example", title="Ball"), media=[{"url": "https://p.example/1.png"}])

    with pytest.raises(Rejected, match="either pictures or a link"):
        share_of(post, author())
