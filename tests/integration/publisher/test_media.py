"""Pictures from a server on loopback that redirects, dawdles, lies about its types and never stops sending."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from services.publisher.media import fetching
from services.publisher.media.decoding import MOST_BYTES
from services.publisher.media.fetching import AT_ONCE
from services.publisher.media.limits import PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.platforms.errors import PlatformError, Rejected, Unavailable
from services.publisher.platforms.pictures import fetch_picture, fetch_pictures
from shared.outbound.client import outbound_client
from tests.fakes.http_server import Call
from tests.fakes.networks.base import NEVER_ARRIVED, Fault, Network, Reply
from tests.support.pictures import encoded, noise, plain
from tests.support.waiting import PATIENCE, eventually

BALL = encoded(plain(40, 30), "PNG")
ROOMY = PictureLimits(most_bytes=1_000_000)
HTML = {"content-type": "text/html"}


@dataclass
class Server(Network):
    """`/hop/n` redirects n times before the picture; `/to` to wherever the query says."""

    largest: bytes = b""

    def publishes(self, call: Call) -> bool:
        return True

    def answer(self, call: Call) -> Reply:
        match call.path.strip("/").split("/"):
            case ["ball"]:
                return Reply(body=BALL, headers=HTML)
            case ["page"]:
                return Reply(body=b"<html>Please sign in.</html>", headers={"content-type": "image/png"})
            case ["hop", left]:
                where = "/ball" if left == "1" else f"/hop/{int(left) - 1}"
                return Reply(HTTPStatus.FOUND, b"", {"location": where})
            case ["to"]:
                return Reply(HTTPStatus.FOUND, b"", {"location": call.query["where"]})
            case ["status", status]:
                return Reply(int(status), b"no picture")
        return Reply(HTTPStatus.OK if call.path == "/large" else HTTPStatus.NOT_FOUND, self.largest)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().serving() as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with outbound_client(allow_private_addresses=True) as client:
        yield client


async def fetch(client: httpx.AsyncClient, url: str, **more: Any) -> Picture:
    return await fetch_picture(client, {"url": url, "alt": "A ball"} | more, ROOMY)


def bytes_of(picture: Picture) -> bytes:
    return b"".join(picture.file.chunks())


async def error_of(client: httpx.AsyncClient, url: str) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await fetch(client, url)
    assert str(caught.value).startswith(f"media {url}: ")
    return caught.value


@pytest.mark.parametrize("path", ["/ball", "/hop/1", "/hop/3"])
async def test_a_picture_is_what_its_bytes_say_behind_a_few_redirects(
    server: Server, client: httpx.AsyncClient, path: str
) -> None:
    picture = await fetch(client, server.url + path)

    assert (bytes_of(picture), picture.mime, picture.alt) == (BALL, "image/png", "A ball")


@pytest.mark.parametrize(
    ("path", "becomes", "code", "reason"),
    [
        ("/hop/4", Rejected, "media_unreachable", "more than 3 redirects"),
        ("/missing", Rejected, "media_unreachable", "HTTP 404"),
        ("/status/403", Rejected, "media_unreachable", "HTTP 403"),
        ("/status/503", Unavailable, "media_unreachable", "HTTP 503"),
        ("/status/429", Unavailable, "media_unreachable", "HTTP 429"),
        ("/page", Rejected, "media_unreadable", "no picture"),
        ("/to?where=file:///etc/passwd", Rejected, "media_unreachable", "redirects to file:"),
        ("/to?where=ftp://pictures.example/ball", Rejected, "media_unreachable", "redirects to ftp:"),
        ("/to?where=data:image/png,ball", Rejected, "media_unreachable", "redirects to data:"),
        ("/to?where=http://[bad", Unavailable, "media_unreachable", ""),
    ],
)
async def test_what_cannot_be_had_says_why(
    server: Server, client: httpx.AsyncClient, *, path: str, becomes: type[PlatformError], code: str, reason: str
) -> None:
    error = await error_of(client, server.url + path)

    assert (type(error), error.detail.code) == (becomes, code)
    assert reason in str(error)


async def test_private_addresses_are_refused(server: Server) -> None:
    async with outbound_client(allow_private_addresses=False) as public:
        error = await error_of(public, f"{server.url}/ball")

    assert error.detail.code == "forbidden_address"
    assert server.calls == []


async def test_a_redirect_to_a_private_address_is_refused(server: Server) -> None:
    """Each hop is checked as the first one is: here the first is let through, and the second is not."""
    async with outbound_client(allow_private_addresses=False) as public:
        error = await error_of(_first_hop_anywhere(public), "http://public.example/ball")

    assert (type(error), error.detail.code) == (Rejected, "forbidden_address")


def _first_hop_anywhere(public: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, for which one public server redirects to loopback."""

    class FirstHop(httpx.AsyncBaseTransport):
        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self.inner = inner

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.host == "public.example":
                return httpx.Response(302, headers={"location": "http://127.0.0.1:9/ball"})
            return await self.inner.handle_async_request(request)

    return httpx.AsyncClient(transport=FirstHop(public._transport))


async def test_a_picture_that_is_too_large_is_not_read_to_its_end(server: Server, client: httpx.AsyncClient) -> None:
    server.largest = bytes(MOST_BYTES + 1)

    error = await error_of(client, f"{server.url}/large")

    assert (type(error), error.detail.code) == (Rejected, "media_too_large")
    assert "20,971,520 bytes" in str(error)


async def test_a_server_that_dawdles_is_tried_again_later(
    server: Server, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ANSWER_WITHIN", timedelta(seconds=0.2))
    server.faults.append(Fault(lands=False, then="hang"))

    error = await error_of(client, f"{server.url}/ball")

    assert (type(error), error.detail.code) == (Unavailable, "media_unreachable")


async def test_a_connection_that_breaks_is_tried_again_later(server: Server, client: httpx.AsyncClient) -> None:
    server.faults += [NEVER_ARRIVED] * 2

    assert isinstance(await error_of(client, f"{server.url}/ball"), Unavailable)


async def test_a_post_s_pictures_keep_their_order_and_one_that_fails_ends_the_rest(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.largest = encoded(noise(300, 200), "PNG")
    urls = [f"{server.url}{path}" for path in ("/ball", "/large", "/ball")]

    pictures = await fetch_pictures(client, [{"url": url} for url in urls], ROOMY)
    with pytest.raises(Rejected, match="HTTP 404"):
        await fetch_pictures(client, [{"url": url} for url in (*urls, f"{server.url}/missing")], ROOMY)

    assert [(picture.width, picture.height) for picture in pictures] == [(40, 30), (300, 200), (40, 30)]


async def test_many_pictures_at_once_are_fetched_a_few_at_a_time(server: Server, client: httpx.AsyncClient) -> None:
    server.faults += [Fault(lands=False, then="hang")] * 40
    fetches = [asyncio.create_task(fetch(client, f"{server.url}/ball?{number}")) for number in range(40)]

    await eventually(lambda: len(server.calls) >= AT_ONCE, what="some are asked for")
    for _ in range(50):
        await asyncio.sleep(0)
    asked_for = len(server.calls)
    for one in fetches:
        one.cancel()
    await asyncio.gather(*fetches, return_exceptions=True)

    assert asked_for == AT_ONCE


async def test_a_host_that_hangs_holds_up_no_pictures_of_another(server: Server, client: httpx.AsyncClient) -> None:
    server.faults += [Fault(lands=False, then="hang")] * AT_ONCE
    hanging = [asyncio.create_task(fetch(client, f"{server.url}/ball?{number}")) for number in range(2 * AT_ONCE)]
    await eventually(lambda: len(server.calls) >= AT_ONCE, what="its places are taken")

    async with asyncio.timeout(PATIENCE):
        elsewhere = await fetch(client, f"{server.url}/ball".replace("127.0.0.1", "localhost"))

    for one in hanging:
        one.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    assert (elsewhere.width, elsewhere.height) == (40, 30)


async def test_those_who_wait_for_a_host_that_does_not_answer_do_not_try_it_one_after_another(
    server: Server, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "ANSWER_WITHIN", timedelta(seconds=0.3))
    server.faults += [Fault(lands=False, then="hang")] * 40

    urls = [f"{server.url}/ball?{number}" for number in range(40)]
    errors = await asyncio.gather(*(error_of(client, url) for url in urls))

    assert {type(error) for error in errors} == {Unavailable}
    assert len(server.calls) == AT_ONCE
