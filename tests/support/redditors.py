"""Reddit as its unit tests use it: an account, posts for it, and the network that takes them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.reddit.platform import Reddit
from shared.clocks.clock import SystemClock
from tests.fakes.networks.gallery import Gallery
from tests.fakes.networks.reddit import RedditFake
from tests.support.publications import a_post, an_account

GIVEN = {"client_id": "app", "client_secret": "s3cret", "refresh_token": "r3fresh"}
SOON = (timedelta(seconds=0.02),) * 3


def a_submission(content: str = "The ball drops.", media: Sequence[dict[str, Any]] = (), **options: Any) -> Post:
    return replace(a_post(), content=content, media=media, options=options, publish_at=datetime.now(UTC))


def redditor(settings: Any = None, **credentials: Any) -> Account:
    return an_account("reddit", settings={"subreddit": "harbours"} | (settings or {}), credentials=GIVEN | credentials)


@asynccontextmanager
async def reddit(kind: type[RedditFake] = RedditFake) -> AsyncIterator[tuple[Reddit, RedditFake, Account]]:
    """The adapter, the network, and an account that has signed in there."""
    async with kind(clock=SystemClock()).serving() as network, httpx.AsyncClient() as client:
        account = redditor({"server": network.url}, **network.authority.sign_in())
        yield Reddit(client, looks_after=SOON), network, account


async def submit(platform: Reddit, account: Account, post: Post) -> str | None:
    return (await (await platform.prepare(post, account)).send(datetime.now(UTC))).platform_post_id


@asynccontextmanager
async def reddit_and_pictures(
    kind: type[RedditFake] = RedditFake,
) -> AsyncIterator[tuple[Reddit, RedditFake, Account, str]]:
    """As `reddit`, with the address of pictures to post."""
    async with reddit(kind) as (platform, network, account), Gallery().serving() as gallery:
        yield platform, network, account, gallery.url


def pictured(address: str, *alts: str, content: str = "The ball drops.\nAt one.", **options: Any) -> Post:
    return a_submission(content, [{"url": f"{address}/small.png", "alt": alt} for alt in alts], **options)
