"""Whoever signs in with the browser is connected; whoever says no, or nothing, leaves nothing behind."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from services.console.cli.sign_in import redirect, signed_in
from services.console.networks.oauth import NETWORKS, Signed, SignInFailed, Started, finish, network_of, start
from services.publisher.platforms.base import Account
from services.publisher.platforms.linkedin.platform import LinkedIn
from services.publisher.platforms.reddit.platform import Reddit
from services.publisher.platforms.x.platform import X
from shared.clocks.clock import SystemClock
from tests.fakes.http_server import Call
from tests.fakes.networks.authority import Authority
from tests.fakes.networks.base import Network, Reply
from tests.fakes.networks.linkedin import LinkedInFake
from tests.fakes.networks.reddit import RedditFake
from tests.fakes.networks.x import XFake
from tests.support.waiting import PATIENCE

APP = {"client_id": "timeball-app", "client_secret": "app-s3cret"}
Browse = Callable[[str], Awaitable[httpx.Response]]


@dataclass
class MastodonDoor(Network):
    """Of a Mastodon server that at which people sign in."""

    authority: Authority = field(
        default_factory=lambda: Authority(SystemClock(), timedelta(days=3650), needs_pkce=True)
    )

    def publishes(self, call: Call) -> bool:
        return False

    def answer(self, call: Call) -> Reply:
        match call.path:
            case "/api/v1/apps" if call.form["redirect_uris"].startswith("http://127.0.0.1:"):
                self.authority.client_id, self.authority.client_secret = "registered", "just now"
                return Reply(body={"client_id": "registered", "client_secret": "just now"})
            case "/oauth/authorize":
                return self.authority.page(call)
            case "/oauth/token":
                return self.authority.tokens(call)
        return Reply(HTTPStatus.NOT_FOUND)


def a_network(platform: str) -> Any:
    """The fake of a platform's network."""
    clock = SystemClock()
    match platform:
        case "x":
            return XFake(clock=clock)
        case "linkedin":
            return LinkedInFake(clock=clock)
        case "reddit":
            return RedditFake(clock=clock)
    return MastodonDoor()


async def as_people_do(address: str) -> httpx.Response:
    """A browser: goes where it is sent."""
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        return await browser.get(address)


@dataclass
class Person:
    """Opens the address that is shown in a browser."""

    browse: Browse = as_people_do
    addresses: list[str] = field(default_factory=list)
    browsing: list[asyncio.Task[httpx.Response]] = field(default_factory=list)

    def see(self, address: str) -> None:
        self.addresses.append(address)
        self.browsing.append(asyncio.ensure_future(self.browse(address)))

    async def page(self) -> str:
        """What the browser shows in the end."""
        return (await self.browsing[0]).text


async def sign_in(
    platform: str,
    server: str,
    person: Person,
    *,
    app: dict[str, str] = APP,
    port: int = 0,
    patience: float = 10.0,
    **settings: str,
) -> Signed:
    """Sign in at a server, as the command does."""
    whole = {"server": server} | settings
    network = network_of(platform, whole)
    assert network is not None
    return await signed_in(network, whole, app, show=person.see, port=port, patience=patience)


@pytest.mark.parametrize(
    ("platform", "kept"),
    [
        ("x", {*APP, "access_token", "refresh_token", "expires_at"}),
        ("linkedin", {*APP, "access_token", "refresh_token", "expires_at", "refresh_expires_at"}),
        ("reddit", {*APP, "refresh_token"}),
        ("mastodon", {"access_token"}),
    ],
)
async def test_whoever_signs_in_gives_the_tokens_that_the_publisher_needs(platform: str, kept: set[str]) -> None:
    person = Person()
    async with a_network(platform).serving() as network:
        _, credentials = await sign_in(platform, network.url, person)
        page = await person.page()

    assert set(credentials) == kept
    assert {*network.authority.issued} >= {credentials[name] for name in kept if name.endswith("_token")}
    assert "You may close this window." in page


@pytest.mark.parametrize(("platform", "adapter"), [("x", X), ("linkedin", LinkedIn), ("reddit", Reddit)])
async def test_the_publisher_takes_what_was_signed_in(platform: str, adapter: type[X | LinkedIn | Reddit]) -> None:
    async with a_network(platform).serving() as network, httpx.AsyncClient() as client:
        settings, credentials = await sign_in(platform, network.url, Person(), subreddit="harbours")
        account, now = Account("a", platform, settings, credentials), datetime.now(UTC)
        adapter(client).check(account)
        renewed = await adapter(client).refresh(account, now)

        assert network.authority.admits(renewed.credentials["access_token"])


async def test_x_is_asked_with_a_challenge_that_only_this_sign_in_can_meet() -> None:
    async with a_network("x").serving() as network:
        persons = Person(), Person()
        for person in persons:
            await sign_in("x", network.url, person)

    first, second = network.authority.asked
    assert first["code_challenge_method"] == "S256"
    assert first["code_challenge"] != second["code_challenge"]
    assert first["state"] != second["state"]
    assert first["redirect_uri"].startswith("http://127.0.0.1:")
    assert "offline.access" in first["scope"]


async def test_an_app_of_x_without_a_secret_can_sign_people_in() -> None:
    async with a_network("x").serving() as network:
        network.authority.client_secret = ""
        _, credentials = await sign_in("x", network.url, Person(), app={"client_id": "timeball-app"})

    assert "client_secret" not in credentials
    assert network.authority.admits(credentials["access_token"])


async def test_reddit_is_asked_for_permanent_access() -> None:
    async with a_network("reddit").serving() as network:
        await sign_in("reddit", network.url, Person())

    assert network.authority.asked[0]["duration"] == "permanent"


async def test_linkedin_tells_the_author_where_none_is_named() -> None:
    async with a_network("linkedin").serving() as network:
        told, _ = await sign_in("linkedin", network.url, Person())
        named, _ = await sign_in("linkedin", network.url, Person(), author="urn:li:organization:7")

    assert told["author"] == "urn:li:person:h4rb-our"
    assert named["author"] == "urn:li:organization:7"
    assert ["w_organization_social" in asked["scope"] for asked in network.authority.asked] == [False, True]


async def test_who_says_no_is_not_connected() -> None:
    person = Person()
    async with a_network("linkedin").serving() as network:
        network.authority.denies = True
        with pytest.raises(SignInFailed, match=r"The person said no\."):
            await sign_in("linkedin", network.url, person)
        page = await person.page()

    assert "Not connected" in page
    assert network.authority.issued == []


@pytest.mark.parametrize("query", ["code=stolen&state=guessed", "error=made+up", ""])
async def test_an_answer_to_another_sign_in_is_not_believed(query: str) -> None:
    async def forged_first(address: str) -> httpx.Response:
        forged = f"{httpx.URL(address).params['redirect_uri']}?{query}"
        assert (await as_people_do(forged)).status_code == HTTPStatus.BAD_REQUEST
        return await as_people_do(address)

    async with a_network("x").serving() as network:
        _, credentials = await sign_in("x", network.url, Person(forged_first))

    assert credentials["access_token"] in network.authority.issued


async def test_a_connection_that_a_browser_keeps_open_is_closed_in_the_end() -> None:
    async with redirect(0) as waiting:
        reader, writer = await asyncio.open_connection("127.0.0.1", waiting.port)
        await as_people_do(waiting.url)

    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task that is left behind is told as an error"
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    writer.close()


async def test_other_requests_of_a_browser_change_nothing() -> None:
    async def asks_for_an_icon(address: str) -> httpx.Response:
        icon = httpx.URL(address).params["redirect_uri"].replace("/callback", "/favicon.ico")
        assert (await as_people_do(icon)).status_code == HTTPStatus.NOT_FOUND
        return await as_people_do(address)

    async with a_network("x").serving() as network:
        _, credentials = await sign_in("x", network.url, Person(asks_for_an_icon))

    assert credentials["access_token"] in network.authority.issued


async def test_nobody_is_waited_for_for_ever_and_the_port_is_free_again() -> None:
    async def looks_away(address: str) -> httpx.Response:
        return httpx.Response(204)

    person = Person(looks_away)
    async with a_network("x").serving() as network:
        with pytest.raises(SignInFailed, match=r"nobody signed in within 0\.2 seconds"):
            await sign_in("x", network.url, person, patience=0.2)

    back = httpx.URL(httpx.URL(person.addresses[0]).params["redirect_uri"])
    with pytest.raises(httpx.ConnectError):
        await as_people_do(str(back))


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(SignInFailed, match=f"port {port} is taken"):
            await sign_in("x", "http://127.0.0.1:1", Person(), port=port)


async def test_what_the_network_refuses_is_told_without_secrets() -> None:
    async with a_network("x").serving() as network:
        with pytest.raises(SignInFailed, match="OAuth says invalid_client") as caught:
            await sign_in("x", network.url, Person(), app={"client_id": "timeball-app", "client_secret": "wr0ng"})

    assert "wr0ng" not in str(caught.value)


async def test_a_server_that_is_no_mastodon_is_named() -> None:
    async with a_network("x").serving() as network:
        with pytest.raises(SignInFailed, match="answered 401"):
            await sign_in("mastodon", network.url, Person())


class Flood(httpx.AsyncByteStream):
    """A body without an end."""

    sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 65536
            yield b"x" * 65536


async def test_a_network_that_never_ends_its_answer_is_not_read_to_the_end() -> None:
    flood = Flood()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=flood))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(SignInFailed, match="no JSON"):
            await start(http, NETWORKS["mastodon"], {}, "http://127.0.0.1/back")

    assert flood.sent < 1024 * 1024


@pytest.mark.parametrize("life", ["-5", "1e12", f"1{'0' * 300}", "NaN", "Infinity", "true", '"soon"', "null"])
async def test_a_life_that_cannot_be_told_costs_nobody_the_sign_in(life: str) -> None:
    body = f'{{"access_token": "access", "refresh_token": "refresh", "client_id": "other", "expires_in": {life}}}'

    _, credentials = await finished(body)

    assert {**credentials, "expires_at": ""} == {
        **APP,
        "access_token": "access",
        "refresh_token": "refresh",
        "expires_at": "",
    }
    if "expires_at" in credentials:
        assert datetime.fromisoformat(credentials["expires_at"]) - NOW == timedelta(days=3650)


async def test_a_reply_that_no_parser_can_take_is_told_as_such() -> None:
    with pytest.raises(SignInFailed, match="no JSON"):
        await finished("[" * 60_000)


NOW = datetime(2027, 3, 28, tzinfo=UTC)


async def finished(body: str) -> Signed:
    """Come back from X, whose reply to the code is this."""
    network = network_of("x", {})
    assert network is not None
    given = httpx.MockTransport(lambda _: httpx.Response(200, content=body.encode()))
    async with httpx.AsyncClient(transport=given) as http:
        started = Started("", "state", "verifier" * 8, APP)
        return await finish(http, network, {}, started, code="code", back="http://127.0.0.1:8765/callback", now=NOW)
