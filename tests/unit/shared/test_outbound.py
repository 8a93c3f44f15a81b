"""Calls out reach only whom they may, and their errors tell what may have arrived."""

import asyncio
import base64
import gzip
import socket
import tracemalloc
import weakref
from typing import Any

import httpx
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.outbound import client as outbound
from shared.outbound.client import outbound_client, send_bounded
from shared.outbound.failures import ForbiddenAddress
from tests.support.garbage import uncollected
from tests.support.http_peer import OK, Answer, Peer, answering, cutting_off_after, endless, listening, never
from tests.support.waiting import PATIENCE

SECRET_PATH = "/bot123:token/sendMessage"


class Resolver(AbstractResolver):
    """A name server that gives the next of its answers each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = iter(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = next(self.answers)
        if not addresses:
            raise OSError("no such name")
        return [ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0) for ip in addresses]

    async def close(self) -> None:
        """Nothing to close."""


class SilentResolver(Resolver):
    """A name server that never answers."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_private_address_is_reached_when_allowed() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        reply = await client.get(peer.url())

    assert reply.text == "ok"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"])
async def test_a_private_address_is_refused_unless_allowed(host: str) -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=False) as client:
        with pytest.raises(ForbiddenAddress, match="not public"):
            await client.get(peer.url(host))

    assert peer.connections == 0


@pytest.mark.parametrize("host", ["169.254.169.254", "[::1]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "224.0.0.1"])
async def test_an_address_is_refused_without_being_tried(host: str) -> None:
    async with outbound_client(allow_private_addresses=False) as client:
        with pytest.raises(ForbiddenAddress):
            await client.get(f"http://{host}/")


@pytest.mark.parametrize(
    "host", ["2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.0.1."]
)
async def test_an_odd_spelling_reaches_nobody(host: str) -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=False) as client:
        with pytest.raises((httpx.TransportError, httpx.InvalidURL)):
            await client.get(peer.url(host))

    assert peer.connections == 0


async def test_a_name_is_judged_by_what_it_resolves_to() -> None:
    resolver = Resolver(["127.0.0.1", "10.0.0.1", "::1"])
    async with outbound_client(allow_private_addresses=False, resolver=resolver) as client:
        with pytest.raises(ForbiddenAddress):
            await client.get(f"http://innocent.example:{free_port()}/")


async def test_a_name_is_looked_up_once_and_that_answer_is_judged() -> None:
    resolver = Resolver(["127.0.0.1"], ["192.0.1.1"])
    async with outbound_client(allow_private_addresses=False, resolver=resolver) as client:
        with pytest.raises(ForbiddenAddress):
            await client.get("http://rebound.example/")

    assert list(resolver.answers) == [["192.0.1.1"]]


async def test_a_name_that_turns_inwards_is_refused() -> None:
    resolver = Resolver([], ["127.0.0.1"])
    async with (
        listening(answering(OK)) as peer,
        outbound_client(allow_private_addresses=False, resolver=resolver) as client,
    ):
        with pytest.raises(httpx.ConnectError) as unknown:
            await client.get(peer.url("rebound.example"))
        with pytest.raises(ForbiddenAddress):
            await client.get(peer.url("rebound.example"))

    assert not isinstance(unknown.value, ForbiddenAddress)
    assert peer.connections == 0


async def test_a_redirect_is_not_followed() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with listening(answering(redirect)) as peer, outbound_client(allow_private_addresses=True) as client:
        reply = await client.get(peer.url())

    assert reply.status_code == httpx.codes.FOUND


async def test_a_proxy_in_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        reply = await client.get(peer.url())

    assert reply.text == "ok"


async def test_a_cookie_of_one_call_is_not_sent_with_the_next() -> None:
    cookie = b"HTTP/1.1 200 OK\r\nset-cookie: account=alice; Path=/\r\ncontent-length: 0\r\n\r\n"
    async with listening(answering(cookie)) as peer, outbound_client(allow_private_addresses=True) as client:
        await client.get(peer.url())
        await client.get(peer.url())

    assert b"alice" not in peer.received


async def test_a_call_says_who_calls_and_what_it_can_decode() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        await client.get(peer.url())

    assert b"user-agent: timeball/" in peer.received.lower()
    assert b"accept-encoding: gzip, deflate\r\n" in peer.received.lower()


async def test_a_call_signs_in_with_the_name_and_password_it_is_given_or_has_in_its_url() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        await client.post(peer.url(), auth=("ball", "drop"))
        await client.get(peer.url().replace("//", "//time:ball@"))
        await client.get(peer.url())

    signed = [line for line in peer.received.split(b"\r\n") if line.lower().startswith(b"authorization")]
    assert [base64.b64decode(line.split()[-1]) for line in signed] == [b"ball:drop", b"time:ball"]


async def test_a_call_that_cannot_sign_in_as_it_was_told_is_not_made() -> None:
    async with outbound_client(allow_private_addresses=True) as client:
        with pytest.raises(TypeError, match="name and a password"):
            await client.get("http://127.0.0.1:9", auth=httpx.DigestAuth("ball", "drop"))


async def test_a_connection_serves_the_next_call_while_it_is_fresh() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        await client.get(peer.url())
        await client.get(peer.url())

    assert peer.connections == 1


async def test_an_idle_connection_is_not_used_again() -> None:
    client = outbound_client(allow_private_addresses=True, keepalive_seconds=0.01)
    async with listening(answering(OK)) as peer, client:
        await client.get(peer.url())
        await peer.left.wait()
        await client.get(peer.url())

    assert peer.connections == 2


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (cutting_off_after(b""), httpx.ReadError),
        (cutting_off_after(b"HTTP/1.1 200"), httpx.ReadError),
        (cutting_off_after(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), httpx.ReadError),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), httpx.RemoteProtocolError),
        (never, httpx.ReadTimeout),
    ],
    ids=["closed at once", "cut in the head", "cut in the body", "not HTTP", "silent"],
)
async def test_a_lost_reply_is_never_taken_for_a_request_not_sent(answer: Answer, meaning: type[Exception]) -> None:
    patience = 0.2 if answer is never else PATIENCE
    async with listening(answer) as peer, outbound_client(allow_private_addresses=True, timeout=patience) as client:
        with pytest.raises(meaning) as caught:
            await client.post(peer.url(path=SECRET_PATH), json={})

    assert type(caught.value) is meaning
    assert peer.connections == 1
    assert "token" not in str(caught.value)


async def test_a_refused_connection_is_a_failure_to_connect() -> None:
    async with outbound_client(allow_private_addresses=True) as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.post(f"http://127.0.0.1:{free_port()}{SECRET_PATH}")

    assert type(caught.value) is httpx.ConnectError
    assert "token" not in str(caught.value)


async def test_a_name_that_is_not_answered_for_is_a_failure_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up takes no longer than connecting may, whatever a reply may take."""
    monkeypatch.setattr(outbound, "CONNECT_SECONDS", 0.05)
    async with outbound_client(allow_private_addresses=True, resolver=SilentResolver(), timeout=60) as client:
        with pytest.raises(httpx.ConnectTimeout):
            async with asyncio.timeout(PATIENCE):
                await client.post(f"http://silent.example{SECRET_PATH}")


async def test_a_server_without_tls_is_a_failure_to_connect() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ready\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, outbound_client(allow_private_addresses=True) as client:
        with pytest.raises(httpx.ConnectError, match="SSL"):
            await client.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


@pytest.mark.parametrize("headers", [{"authorization": "two\r\nlines"}])
async def test_a_request_that_is_no_http_is_not_sent(headers: dict[str, str]) -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get(peer.url(), headers=headers)

    assert b"lines" not in peer.received


async def read(client: httpx.AsyncClient, peer: Peer, **bounds: Any) -> bytes:
    _, body = await send_bounded(client, client.build_request("GET", peer.url()), **bounds)
    return body


async def test_a_reply_that_was_read_is_gone_without_the_garbage_collector() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        with uncollected():
            reply, _ = await send_bounded(client, client.build_request("GET", peer.url()))
            remembered = weakref.ref(reply)
            del reply
            assert remembered() is None


async def test_a_body_is_read_up_to_its_limit() -> None:
    async with listening(endless) as peer, outbound_client(allow_private_addresses=True) as client:
        body = await read(client, peer, limit=1000)

    assert body == b"x" * 1000


async def test_a_body_within_the_limit_is_read_whole() -> None:
    async with listening(answering(OK)) as peer, outbound_client(allow_private_addresses=True) as client:
        assert await read(client, peer) == b"ok"


async def test_a_compressed_body_is_bounded_by_its_real_size() -> None:
    bomb = gzip.compress(b"x" * 1_000_000)
    reply = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(bomb), bomb)
    async with listening(answering(reply)) as peer, outbound_client(allow_private_addresses=True) as client:
        assert await read(client, peer, limit=10) == b"x" * 10


async def test_stacked_encodings_are_refused() -> None:
    reply = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\ncontent-length: 2\r\n\r\nok"
    async with listening(answering(reply)) as peer, outbound_client(allow_private_addresses=True) as client:
        with pytest.raises(httpx.DecodingError):
            await read(client, peer)


async def test_a_reply_takes_no_more_memory_than_its_limit_however_well_it_is_compressed() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    reply = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(bomb), bomb)
    async with listening(answering(reply)) as peer, outbound_client(allow_private_addresses=True) as client:
        tracemalloc.start()
        try:
            await read(client, peer)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert most < 10_000_000
