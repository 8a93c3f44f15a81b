"""Bluesky beyond what every platform does: records that are there already, and sessions that end in their own ways."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.bluesky.platform import Bluesky as Adapter
from services.publisher.platforms.errors import Rejected, Unauthorized, Unconfirmed
from shared.outbound.client import outbound_client
from shared.posting.rules import problem
from tests.fakes.networks.base import refuses
from tests.fakes.networks.bluesky import DID, FRIENDS, HANDLE, Bluesky
from tests.fakes.running_clock import RunningClock
from tests.support.publications import a_post
from tests.support.waiting import PATIENCE

MONTHS = timedelta(days=91)


@dataclass
class Desk:
    """An account on a server of its own."""

    network: Bluesky
    clock: RunningClock
    adapter: Adapter
    account: Account

    async def log_in(self) -> None:
        """Take the session that the server gives."""
        renewed = await self.adapter.refresh(self.account, self.clock.now())
        kept = {**self.account.credentials, **renewed.credentials}
        self.account = replace(self.account, credentials=kept)

    async def publish(self, post: Post) -> str | None:
        ready = await self.adapter.prepare(post, self.account)
        return (await ready.send(self.clock.now())).platform_post_id


@asynccontextmanager
async def a_desk(**more: Any) -> AsyncIterator[Desk]:
    clock = RunningClock()
    async with Bluesky(clock=clock, **more).serving() as network, client() as outbound:
        credentials = {"identifier": HANDLE, "password": network.password}
        account = Account("harbour", "bluesky", {"server": network.url}, credentials)
        yield Desk(network, clock, Adapter(outbound), account)


def client() -> httpx.AsyncClient:
    return outbound_client(allow_private_addresses=True)


def post(content: str = "The ball drops.") -> Post:
    return replace(a_post(), content=content, media=[], options={})


async def test_what_stands_under_the_key_is_the_post_itself() -> None:
    """A handle that could be resolved only the first time makes another record of the same post."""
    async with a_desk() as desk:
        await desk.log_in()
        first = await desk.publish(post("Hi @alice.bsky.social"))
        friend = FRIENDS.pop("alice.bsky.social")
        try:
            second = await desk.publish(post("Hi @alice.bsky.social"))
        finally:
            FRIENDS["alice.bsky.social"] = friend

    assert first == second == desk.network.posts[0].id
    (posted,) = desk.network.posts
    assert [facet["features"][0]["did"] for facet in posted.raw["facets"]] == ["did:plc:alice"]


async def test_the_password_is_used_once_and_then_the_session_goes_on() -> None:
    async with a_desk() as desk:
        for _ in range(4):
            await desk.log_in()

        assert (desk.network.logins, len(set(desk.network.refreshed_with))) == (1, 3)


async def test_a_session_that_slept_too_long_is_begun_anew() -> None:
    async with a_desk() as desk:
        await desk.log_in()
        desk.clock.put_forward(MONTHS)

        await desk.log_in()

        assert (desk.network.logins, desk.network.refreshed_with) == (2, [])
        assert await desk.publish(post()) == desk.network.posts[0].id


async def test_a_session_is_begun_anew_though_the_handle_has_changed() -> None:
    async with a_desk() as desk:
        await desk.log_in()
        desk.network.handle = "lighthouse.example"
        desk.clock.put_forward(MONTHS)

        await desk.log_in()

        assert desk.account.credentials["handle"] == "lighthouse.example"
        assert await desk.publish(post()) == desk.network.posts[0].id


async def test_a_password_that_was_taken_back_is_told_whatever_the_handle() -> None:
    async with a_desk() as desk:
        await desk.log_in()
        desk.network.end_everything()

        with pytest.raises(Unauthorized, match="Invalid identifier or password"):
            await desk.log_in()


async def test_a_wrong_password_is_told_in_the_servers_words() -> None:
    async with a_desk() as desk:
        desk.network.password = "another"

        with pytest.raises(Unauthorized, match="Invalid identifier or password"):
            await desk.log_in()


async def test_records_go_to_the_server_that_the_accounts_document_names() -> None:
    async with a_desk() as desk, Bluesky(clock=desk.clock).serving() as home:
        home._access = desk.network._access
        service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": home.url}
        desk.network.did_doc = {"id": DID, "service": [service]}
        await desk.log_in()

        await desk.publish(post())

        assert (len(desk.network.posts), len(home.posts)) == (0, 1)


@pytest.mark.parametrize(
    "document", [None, {"service": "none"}, {"service": [{"id": "#atproto_pds", "serviceEndpoint": "ftp://x"}, 7]}]
)
async def test_a_document_without_a_server_leaves_the_accounts_own(document: Any) -> None:
    async with a_desk(did_doc=document) as desk:
        await desk.log_in()

        assert await desk.publish(post()) == desk.network.posts[0].id


@pytest.mark.parametrize(("text", "reason"), [("a" * 301, "301 characters"), ("👨‍👩‍👧" * 200, "3,600 bytes")])
async def test_a_text_that_is_too_long_is_refused_before_anything_is_asked(text: str, reason: str) -> None:
    async with a_desk() as desk:
        with pytest.raises(Rejected, match=reason):
            await desk.publish(post(text))

        assert desk.network.calls == []


async def test_an_error_of_another_kind_is_a_refusal() -> None:
    async with a_desk() as desk:
        await desk.log_in()
        desk.network.faults.append(refuses(400, {"error": "InvalidRequest"}))

        with pytest.raises(Rejected):
            await desk.publish(post())


async def test_a_gateway_without_an_answer_leaves_it_open() -> None:
    async with a_desk() as desk:
        await desk.log_in()
        desk.network.faults.append(replace(refuses(504, {}), lands=True))

        with pytest.raises(Unconfirmed):
            await desk.publish(post())


async def test_an_unknown_option_is_refused_by_the_rules() -> None:
    async with a_desk() as desk:
        rules = await desk.adapter.rules(desk.account)

    assert problem(rules, "Hi", [], {"visibility": "public"}) is not None
    assert problem(rules, "Hi", [], {"langs": ["de"]}) is None


async def test_posts_side_by_side_have_keys_of_their_own() -> None:
    async with a_desk() as desk:
        await desk.log_in()

        ids = await asyncio.gather(*(desk.publish(replace(post(), post_id=f"post-{n}")) for n in range(20)))

        assert len(set(ids)) == len(desk.network.posts) == 20


async def test_a_handle_that_nobody_resolves_in_time_stays_text() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    account = Account("harbour", "bluesky", {}, {"access_jwt": "token", "did": DID})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as outbound, asyncio.timeout(PATIENCE):
        adapter = Adapter(outbound, resolves_within=timedelta(seconds=0.05))
        ready = await adapter.prepare(post("Hi @alice.bsky.social"), account)

    assert b"facets" not in ready.once.request.content
