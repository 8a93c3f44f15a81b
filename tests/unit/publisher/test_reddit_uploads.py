"""A picture is uploaded to a safe store before its post is due; what goes wrong there is tried again, or told."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from services.publisher.platforms.errors import Forbidden, Rejected, Transient, Unavailable
from services.publisher.platforms.reddit.pictures import upload_form_in
from services.publisher.platforms.reddit.platform import Reddit
from shared.outbound.client import outbound_client
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Reply
from tests.fakes.networks.gallery import picture
from tests.fakes.networks.reddit import RedditFake
from tests.fakes.networks.reddit_store import refused
from tests.support.pictures import opened
from tests.support.redditors import a_submission, pictured, reddit_and_pictures, redditor, submit


async def test_a_picture_of_a_type_that_reddit_does_not_take_becomes_a_jpeg() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        await submit(platform, account, a_submission(media=[{"url": f"{address}/small.webp"}]))

    (place,) = network.store.places.values()
    (uploaded,) = network.store.pictures.values()
    assert (place["Content-Type"], opened(uploaded).format) == ("image/jpeg", "JPEG")


async def test_the_store_is_told_no_token() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        await platform.prepare(pictured(address, ""), account)

    (call,) = [call for call in network.calls if call.path == network.store.path]
    assert account.credentials["access_token"] not in f"{call.headers}{call.body!r}"


@pytest.mark.parametrize("alts", [("",), ("", "")], ids=["image", "gallery"])
async def test_a_picture_that_was_not_uploaded_is_refused_in_reddits_words(alts: tuple[str, ...]) -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        ready = await platform.prepare(pictured(address, *alts), account)
        network.store.pictures.clear()
        with pytest.raises(Rejected, match=r"check that url|must be owned by the submitter"):
            await ready.send(datetime.now(UTC))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (refused(403, "AccessDenied", "store-s3cret"), r"media\[1\]: not uploaded: HTTP 403: AccessDenied$"),
        (refused(503, "SlowDown"), "HTTP 503: SlowDown"),
        (Reply(401, b"who are you?"), "HTTP 401: no reason given"),
        (Reply(307, b"elsewhere"), "HTTP 307"),
    ],
)
async def test_an_upload_that_goes_wrong_is_tried_again_and_tells_no_secret(reply: Reply, reason: str) -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        post = pictured(address, "", "")
        ready = await platform.prepare(pictured(address, ""), account)
        network.store.refusals += [Reply(201, b""), reply]
        with pytest.raises(Transient, match=reason):
            await platform.prepare(post, account)
        assert await ready.send(datetime.now(UTC))

    assert len(network.posts) == 1


async def test_a_picture_that_the_store_finds_too_large_is_refused() -> None:
    async with reddit_and_pictures() as (platform, network, account, address):
        network.store.refusals.append(refused(400, "EntityTooLarge"))
        with pytest.raises(Rejected, match=r"media\[0\]: Reddit finds the picture too large") as caught:
            await platform.prepare(pictured(address, ""), account)

    assert caught.value.detail.code == "media_too_large"


class WithoutForms(RedditFake):
    """Lends no form for a picture."""

    def _admitted(self, call: Call) -> Reply:
        is_asked = call.path == "/api/media/asset.json"
        return Reply(HTTPStatus.SERVICE_UNAVAILABLE, b"no place") if is_asked else super()._admitted(call)


async def test_a_form_that_is_not_to_be_had_is_asked_for_again() -> None:
    async with reddit_and_pictures(WithoutForms) as (platform, _, account, address):
        with pytest.raises(Unavailable, match="no place"):
            await platform.prepare(pictured(address, ""), account)


def a_form(action: Any, *fields: tuple[str, str]) -> dict[str, Any]:
    given = [{"name": name, "value": value} for name, value in fields or [("key", "rte_images/a1")]]
    return {"args": {"action": action, "fields": given}, "asset": {"asset_id": "a1"}}


def test_an_address_without_a_scheme_has_tls() -> None:
    form = upload_form_in(a_form("//store.example/"))

    assert (form.address, form.url) == ("https://store.example/", "https://store.example/rte_images/a1")


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"args": [], "asset": None},
        {"json": {"errors": [["USER_REQUIRED", "Please log in to do that.", None]]}},
        a_form("http://store.example/"),
        a_form("ftp://store.example/"),
        a_form("/upload"),
        a_form(None),
        a_form("https://store.example/", ("policy", "p")),
        a_form("https://store.example/") | {"asset": {}},
    ],
)
def test_a_reply_without_a_safe_address_sends_the_picture_nowhere(reply: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="lends no form to upload a picture with"):
        upload_form_in(reply)


class LendsPrivateStores(httpx.AsyncBaseTransport):
    """Answers for Reddit and for where the picture is; everything else goes the usual way."""

    def __init__(self, usual: httpx.AsyncClient) -> None:
        self.usual = usual

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        match request.url.host:
            case "p.example":
                return httpx.Response(200, content=picture(40, 30), request=request)
            case "oauth.reddit.com":
                return httpx.Response(200, json=a_form("https://127.0.0.1:1/upload"), request=request)
        return await self.usual._transport.handle_async_request(request)


async def test_a_upload_form_in_a_private_network_is_not_reached() -> None:
    usual = outbound_client(allow_private_addresses=False)
    async with usual, httpx.AsyncClient(transport=LendsPrivateStores(usual)) as client:
        with pytest.raises(Forbidden, match="the server's address is not public"):
            await Reddit(client).prepare(pictured("https://p.example", ""), redditor(access_token="t0ken"))
