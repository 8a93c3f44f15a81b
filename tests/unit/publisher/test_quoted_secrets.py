"""Whatever quotes a request in its answer, as debugging pages do, gives no secret of the account away."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from services.publisher.platforms.base import Account, Platform
from services.publisher.platforms.bluesky.platform import Bluesky
from services.publisher.platforms.errors import PlatformError
from services.publisher.platforms.linkedin.platform import LinkedIn
from services.publisher.platforms.mastodon.platform import Mastodon
from services.publisher.platforms.reddit.platform import Reddit
from services.publisher.platforms.x.platform import X
from tests.support.publications import NOON, an_account

PUBLIC = ("identifier", "client_id", "did")
OAUTH = {"client_id": "app", "client_secret": "se/cret-1", "access_token": "to+ken-1", "refresh_token": "re/fresh-1"}
BLUESKY = {"identifier": "me.example", "password": "pass word-1"}
AUTHOR = {"author": "urn:li:person:1"}


def quoting(request: httpx.Request) -> httpx.Response:
    head = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    return httpx.Response(500, text=f"{request.content.decode()}\n{head}")


def refresh(platform: Platform, account: Account) -> Awaitable[Any]:
    return platform.refresh(account, NOON)


def verify(platform: Platform, account: Account) -> Awaitable[Any]:
    return platform.verify(account)


@pytest.mark.parametrize(
    ("adapter", "ask", "settings", "credentials"),
    [
        (Bluesky, refresh, {}, BLUESKY),
        (Bluesky, refresh, {}, BLUESKY | {"refresh_jwt": "refresh.jwt-1"}),
        (Bluesky, verify, {}, BLUESKY | {"access_jwt": "access.jwt-1", "did": "did:plc:1"}),
        (LinkedIn, refresh, AUTHOR, OAUTH),
        (LinkedIn, verify, AUTHOR, OAUTH),
        (Mastodon, verify, {}, {"access_token": "to+ken-1"}),
        (Reddit, refresh, {"subreddit": "harbours"}, OAUTH),
        (Reddit, verify, {"subreddit": "harbours"}, OAUTH),
        (X, refresh, {}, OAUTH),
        (X, refresh, {}, OAUTH | {"client_secret": ""}),
        (X, verify, {}, OAUTH),
    ],
)
async def test_no_answer_gives_a_secret_away(
    adapter: Any, ask: Callable[[Platform, Account], Awaitable[Any]], settings: Any, credentials: dict[str, str]
) -> None:
    quoted: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        response = quoting(request)
        quoted.append(response.text[:200])
        return response

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(PlatformError) as caught:
            await ask(adapter(client), an_account(settings=settings, credentials=credentials))

    secrets = [value for name, value in credentials.items() if name not in PUBLIC and value]
    assert quoted
    assert [
        one
        for one in secrets
        if one in caught.value.detail.message or one.replace("/", "%2F") in caught.value.detail.message
    ] == []
