"""Short requests, which go straight on a connection, are sent and answered like all others."""

import asyncio
import gzip
from typing import Any

import httpx
import pytest

from shared.outbound.client import outbound_client, send_bounded
from shared.outbound.direct import LONGEST_BODY, is_direct
from shared.outbound.failures import ForbiddenAddress
from tests.support.http_peer import OK, Peer, answering, endless, listening
from tests.support.waiting import LATE


async def posted(client: httpx.AsyncClient, peer: Peer, **bounds: Any) -> tuple[httpx.Response, bytes]:
    request = client.build_request("POST", peer.url("localhost", "/a%20b?c=d"), json={})
    assert is_direct(request)
    return await send_bounded(client, request, **bounds)


@pytest.mark.parametrize(
    ("method", "url", "content", "direct"),
    [
        ("POST", "https://example.org/", b"x" * LONGEST_BODY, True),
        ("POST", "https://example.org/", b"x" * (LONGEST_BODY + 1), False),
        ("POST", "https://time:ball@example.org/", b"", False),
        ("POST", "ftp://example.org/", b"", False),
        ("GET", "https://example.org/", None, False),
    ],
)
async def test_only_what_is_short_and_plain_goes_straight(method: str, url: str, content: bytes, direct: bool) -> None:
    async with outbound_client(allow_private_addresses=True) as client:
        assert is_direct(client.build_request(method, url, content=content)) is direct


async def test_both_ways_say_the_same() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        await posted(client, peer)
        straight, peer.received = peer.received, b""
        request = client.build_request("POST", peer.url("localhost", "/a%20b?c=d"), json={})
        request.extensions["sni_hostname"] = None
        assert not is_direct(request)
        await send_bounded(client, request)

    assert straight.splitlines()[0] == b"POST /a%20b?c=d HTTP/1.1"
    assert sorted(straight.lower().splitlines()[1:]) == sorted(peer.received.lower().splitlines()[1:])


async def test_a_connection_serves_the_next_of_both_ways() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        await client.get(peer.url("localhost"))
        _, body = await posted(client, peer)
        await client.get(peer.url("localhost"))

    assert body == b"ok"
    assert peer.connections == 1


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_reply_that_nobody_asked_for_is_not_the_next_requests(method: str) -> None:
    """Some servers say 408 about an idle connection; a post that is told refused for it may be out."""
    is_idle, told = asyncio.Event(), asyncio.Event()

    async def says_more(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        if not told.is_set():
            await is_idle.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
            told.set()

    async with listening(says_more) as peer, outbound_client(allow_private_addresses=True) as client:
        await client.request(method, peer.url("localhost"))
        is_idle.set()
        await told.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # until it has arrived
        response = await client.request(method, peer.url("localhost"))

    assert response.status_code == 200
    assert peer.connections == 2


async def test_what_comes_before_a_reply_does_not_end_the_wait_for_it() -> None:
    async def hints_only(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.Event().wait()

    async with listening(hints_only) as peer, outbound_client(allow_private_addresses=True, timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            async with asyncio.timeout(LATE.total_seconds()):
                await posted(client, peer)


async def test_a_connection_with_a_reply_that_was_not_read_serves_nobody_else() -> None:
    async with listening(endless) as peer, outbound_client(allow_private_addresses=True) as client:
        _, body = await posted(client, peer, limit=1000)
        await peer.left.wait()
        await posted(client, peer, limit=1000)

    assert body == b"x" * 1000
    assert peer.connections == 2


async def test_a_connection_whose_request_was_given_up_serves_nobody_else() -> None:
    asked = asyncio.Event()

    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with listening(silent) as peer, outbound_client(allow_private_addresses=True) as client:
        sending = asyncio.create_task(posted(client, peer))
        await asked.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        peer.answer = answering(OK)
        await posted(client, peer)

    assert peer.connections == 2


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n", 302, b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
    ],
    ids=["what comes before a reply", "no body", "a redirect", "in chunks"],
)
async def test_a_reply_is_read_whatever_its_form(reply: bytes, status: int, body: bytes) -> None:
    async with listening(answering(reply)) as peer, outbound_client(allow_private_addresses=True) as client:
        first = await posted(client, peer)
        second = await posted(client, peer)

    assert [(one.status_code, read) for one, read in (first, second)] == [(status, body)] * 2
    assert peer.connections == 1


async def test_a_compressed_reply_is_read() -> None:
    body = gzip.compress(b"x" * 1000)
    reply = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    async with listening(answering(reply)) as peer, outbound_client(allow_private_addresses=True) as client:
        assert (await posted(client, peer, limit=10))[1] == b"x" * 10


async def test_a_private_address_is_refused_unless_allowed() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=False) as client:
        with pytest.raises(ForbiddenAddress):
            await posted(client, peer)

    assert peer.connections == 0


@pytest.mark.parametrize("value", ["two\r\nlines", "two\nlines", "two\rlines", "lines\0"])
async def test_a_header_of_several_lines_is_not_sent(value: str) -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.post(peer.url(), headers={"authorization": value})

    assert b"lines" not in peer.received
