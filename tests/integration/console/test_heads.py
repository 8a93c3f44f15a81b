"""HEAD: whoever only looks whether an address is there is answered like GET, without the body."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from services.console.api.heads import Heads
from tests.integration.console.consoles import ADMIN_TOKEN, Replica
from tests.support.waiting import PATIENCE


@pytest.fixture
async def browser(replica: Replica) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in."""
    async with replica.client() as one:
        assert (await one.post("/sign-in", data={"token": ADMIN_TOKEN})).status_code == 303
        yield one


@pytest.mark.parametrize(
    "path",
    [
        "/v1/accounts",
        "/v1/posts/nobody",
        "/v1/none",
        "/accounts",
        "/tokens",
        "/sign-in",
        "/docs",
        "/metrics",
        "/healthz",
    ],
)
async def test_head_is_answered_like_get_without_the_body(browser: httpx.AsyncClient, path: str) -> None:
    get, head = await browser.get(path), await browser.head(path)

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.status_code != 405


async def test_head_is_let_in_no_further_than_get(replica: Replica) -> None:
    async with replica.client() as nobody, replica.client(await replica.token("reader", "read")) as reader:
        assert (await nobody.head("/v1/accounts")).status_code == 401
        assert (await nobody.head("/tokens")).status_code == 303
        assert (await reader.head("/v1/tokens")).status_code == 403


async def test_where_only_a_post_is_taken_head_is_refused_and_where_get_is_it_is_named(
    browser: httpx.AsyncClient,
) -> None:
    refused = await browser.head("/v1/posts:batch")
    named = await browser.put("/v1/posts", json={})

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (named.status_code, named.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_the_head_of_a_stream_ends_at_once() -> None:
    ended = SimpleNamespace(is_so=False)

    async def streaming(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b": listening\n", "more_body": True})
        try:
            await asyncio.Event().wait()
        finally:
            ended.is_so = True

    transport = httpx.ASGITransport(Heads(streaming))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://console.test") as http,
        asyncio.timeout(PATIENCE),
    ):
        answer = await http.head("/v1/events")

    assert (answer.status_code, answer.content, ended.is_so) == (200, b"", True)


async def test_whoever_looks_whether_a_link_leads_anywhere_does_not_use_it_up(
    replica: Replica, browser: httpx.AsyncClient
) -> None:
    """As chats and mail programs do that show what a link leads to."""
    link = (await browser.post("/sign-in-links")).json()["path"]

    async with replica.client() as looking, replica.client() as newcomer:
        looked = await looking.head(link)
        signed_in = await newcomer.get(link)

    assert (looked.status_code, "set-cookie" in looked.headers) == (200, False)
    assert (signed_in.status_code, "set-cookie" in signed_in.headers) == (303, True)
