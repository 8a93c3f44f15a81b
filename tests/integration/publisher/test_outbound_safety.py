"""Wherever a person may name an address, the publisher's own code reaches nothing that is private."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.publisher.callbacks.calling import CallingBack
from services.publisher.callbacks.telling import callback
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.media.limits import PictureLimits
from services.publisher.platforms import platforms
from services.publisher.platforms.base import Account
from services.publisher.platforms.errors import PlatformError
from services.publisher.platforms.pictures import fetch_picture
from services.publisher.platforms.webhook.signature import signing_key
from services.publisher.sending.facts import held
from shared.clocks.clock import SystemClock
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.client import outbound_client
from tests.fakes.sink import Answer, Sink
from tests.support.publications import NOON, a_post, a_publication
from tests.support.waiting import PATIENCE
from tests.unit.shared.test_outbound import Resolver

SECRET = "whsec_dGhlIGJhbGwgZHJvcHMgYXQgb25lIG8nY2xvY2s="
CREDENTIALS = {
    "secret": SECRET, "access_token": "t", "refresh_token": "r", "client_id": "c", "client_secret": "s",
    "identifier": "me.example", "password": "p", "bot_token": "1:a",
}  # fmt: skip
SETTINGS = {"author": "urn:li:person:1", "subreddit": "test", "chat_id": "1", "channel_id": "1"}
NAMES = sorted(platforms(httpx.AsyncClient()))
PRIVATE_HOSTS = [
    "127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
    "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.0.1.",
]  # fmt: skip

Route = Callable[[httpx.AsyncClient, str], Awaitable[Any]]


async def call_back(client: httpx.AsyncClient, url: str) -> None:
    calling = CallingBack(client, [signing_key(SECRET)], CircuitBreakers(5), SystemClock(), timedelta(seconds=2))
    event = callback(held(a_publication(), "why"), url, datetime.now(UTC))
    await calling.on_callback_requested(Delivery(event, "message", "correlation"))


async def fetch_media(client: httpx.AsyncClient, url: str) -> None:
    await fetch_picture(client, {"url": url}, PictureLimits(most_bytes=1000))


def platform_route(name: str) -> Route:
    """Everything that a platform does with the address in its settings, each step whatever became of the last."""

    async def use(client: httpx.AsyncClient, url: str) -> None:
        platform = platforms(client)[name]
        account = Account("account", name, {**SETTINGS, "server": url, "url": url}, {**CREDENTIALS, "webhook_url": url})
        post = a_post()
        bare = type(post)("post", "account", 1, NOON, "The ball drops.", [], {})

        async def send() -> None:
            platform.check(account)
            await (await platform.prepare(bare, account)).send(datetime.now(UTC))

        steps: list[Callable[[], Awaitable[Any]]] = [
            send,
            lambda: platform.rules(account),
            lambda: platform.refresh(account, datetime.now(UTC)),
            lambda: platform.look_up(bare, account),
        ]
        errors = []
        for step in steps:
            try:
                await step()
            except PlatformError as error:
                errors.append(error)
        assert errors, "the address was reached"
        raise errors[0]

    return use


ROUTES: dict[str, Route] = {
    "callback": call_back,
    "media": fetch_media,
    **{name: platform_route(name) for name in NAMES},
}
REFUSED = (PlatformError, Park, TryAgain)


def at(sink: Sink, host: str) -> str:
    return f"http://{host}:{sink.url.rsplit(':', 1)[1]}"


@pytest.mark.parametrize("route", ROUTES)
async def test_no_private_address_is_reached_however_it_is_written(route: str) -> None:
    async with Sink().serving() as sink, outbound_client(allow_private_addresses=False, timeout=1) as client:
        for host in PRIVATE_HOSTS:
            with pytest.raises(REFUSED):
                await ROUTES[route](client, at(sink, host))

    assert sink.ledger == []


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "answers",
    [[["127.0.0.1"]] * 9, [[], *[["127.0.0.1"]] * 9], [["::1", "10.0.0.1", "127.0.0.1"]] * 9],
    ids=["inwards", "inwards later", "inwards among others"],
)
async def test_no_name_leads_inwards(route: str, answers: list[list[str]]) -> None:
    async with Sink().serving() as sink:
        resolver = Resolver(*answers)
        async with outbound_client(allow_private_addresses=False, resolver=resolver, timeout=1) as client:
            for _ in range(2):
                with pytest.raises(REFUSED):
                    await ROUTES[route](client, at(sink, "rebound.example"))

    assert sink.ledger == []


class PublicAtFirst(httpx.AsyncBaseTransport):
    """Answers for one public name with a redirect; everything else goes the usual way."""

    def __init__(self, usual: httpx.AsyncClient, location: str) -> None:
        self.usual = usual
        self.location = location

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "public.example":
            return httpx.Response(302, headers={"location": self.location}, request=request)
        return await self.usual._transport.handle_async_request(request)


@pytest.mark.parametrize("route", ROUTES)
async def test_no_redirect_leads_inwards(route: str) -> None:
    async with Sink().serving() as sink, outbound_client(allow_private_addresses=False, timeout=1) as usual:
        transport = PublicAtFirst(usual, f"{sink.url}/metadata")
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(REFUSED):
                await ROUTES[route](client, "https://public.example")

    assert sink.ledger == []


@pytest.mark.parametrize("route", ["callback", "media", "webhook", "sandbox"])
async def test_a_reply_without_end_is_cut_off(route: str) -> None:
    endless = Answer(body=b"x" * 30_000_000)
    async with Sink().serving() as sink, outbound_client(allow_private_addresses=True) as client:
        sink.will_answer("post", endless)
        sink.will_answer("look-up of post", *[endless] * 3)
        url = f"{sink.url}/?post_id=post" if route == "media" else sink.url
        async with asyncio.timeout(PATIENCE):
            try:
                await ROUTES[route](client, url)
            except (*REFUSED, AssertionError):
                pass

        assert sink.ledger != []
        assert sink.answered == []
