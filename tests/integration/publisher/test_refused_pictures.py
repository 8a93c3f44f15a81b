"""Where one picture of a post is refused, the others are not uploaded: nobody would ever see them."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest

from services.publisher.platforms.base import Account, Platform
from services.publisher.platforms.bluesky.platform import Bluesky
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.mastodon.platform import Mastodon
from tests.support.pictures import encoded, plain
from tests.support.publications import a_post

GOOD, BAD = "https://a.example/good.png", "https://a.example/bad.png"
CREDENTIALS = {
    "bluesky": {"access_jwt": "token", "did": "did:plc:harbour"},
    "mastodon": {"access_token": "token"},
}
A_WHILE = 0.2
"""How long the refusal waits for an upload that should not come."""


def refusing_the_second(uploads: list[str]) -> httpx.MockTransport:
    """Answers the second picture, which is none, only after the first could have been uploaded."""
    uploaded = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == GOOD:
            return httpx.Response(200, content=encoded(plain(8, 8), "PNG"))
        if str(request.url) == BAD:
            with suppress(TimeoutError):
                await asyncio.wait_for(uploaded.wait(), A_WHILE)
            return httpx.Response(404)
        if request.method == "GET":
            return httpx.Response(404)
        uploads.append(request.url.path)
        uploaded.set()
        return httpx.Response(200, json={"id": "1", "blob": {}})

    return httpx.MockTransport(answer)


@pytest.mark.parametrize("network", [Bluesky, Mastodon])
async def test_nothing_is_uploaded_where_a_picture_is_refused(network: type[Bluesky] | type[Mastodon]) -> None:
    uploads: list[str] = []
    async with httpx.AsyncClient(transport=refusing_the_second(uploads)) as client:
        adapter: Platform = network(client)
        account = Account("harbour", adapter.name, {}, CREDENTIALS[adapter.name])
        with pytest.raises(Rejected):
            await adapter.prepare(replace(a_post(), media=[{"url": GOOD}, {"url": BAD}], options={}), account)

    assert uploads == []
