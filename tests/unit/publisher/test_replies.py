"""What a platform's answer, or its silence, means for the post."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from services.publisher.platforms.allowance import retry_after_of
from services.publisher.platforms.base import Published
from services.publisher.platforms.bluesky import replies as bluesky
from services.publisher.platforms.discord import replies as discord
from services.publisher.platforms.errors import (
    MOST_MESSAGE,
    Forbidden,
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from services.publisher.platforms.exchange import exchange, network_failures, publish
from services.publisher.platforms.judging import ANY, Dialect, judged
from services.publisher.platforms.linkedin import replies as linkedin
from services.publisher.platforms.mastodon import replies as mastodon
from services.publisher.platforms.posting import published_in
from services.publisher.platforms.reddit import replies as reddit
from services.publisher.platforms.reply import Reply, words_or_none
from services.publisher.platforms.x import replies as x
from shared.outbound.failures import ForbiddenAddress
from tests.support.publications import NOON, SECOND

LONGEST = timedelta(days=1)


JSON_ONLY = Dialect(lambda reply: words_or_none(reply.json.get("message")))
"""A network whose API tells every refusal as JSON."""
OWN, FOREIGN = b'{"message": "no"}', b"<html>403 Forbidden</html>"


def error_for(
    status: int,
    body: bytes = b"",
    *,
    retry_after: str | None = None,
    dialect: Dialect = ANY,
    publishes: bool = True,
    **headers: str,
) -> PlatformError:
    """The error that a reply at noon stands for."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = named if retry_after is None else named | {"retry-after": retry_after}
    encoded = {name.encode(): value.encode("latin-1") for name, value in given.items()}
    error = judged(Reply(status, httpx.Headers(encoded), body, NOON), dialect, publishes=publishes)
    assert error is not None
    return error


async def test_a_host_that_cannot_exist_is_a_request_that_cannot_be_sent() -> None:
    with pytest.raises(Rejected) as caught:
        async with network_failures():
            assert httpx.URL("https://xn--a/").host

    assert caught.value.detail.code == "invalid_request"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_raises_nothing(status: int) -> None:
    assert judged(Reply(status, {}, b"", NOON), JSON_ONLY, publishes=True) is None


REFUSED = (400, 402, 403, 404, 405, 406, 409, 410, 411, 413, 415, 418, 422, 423, 426, 451)
IN_DOUBT = (300, 301, 302, 304, 307, 308, 500, 501, 502, 504, 507, 520, 524, 599)
STATUSES: list[tuple[int, type[PlatformError]]] = [
    *((status, Rejected) for status in REFUSED),
    (401, Unauthorized),
    (408, Transient),
    (425, Transient),
    (429, RateLimited),
    (503, Unavailable),
]


@pytest.mark.parametrize("publishes", [True, False])
@pytest.mark.parametrize(("dialect", "body"), [(ANY, b""), (ANY, FOREIGN), (JSON_ONLY, OWN)])
@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_each_refusal_has_its_meaning(
    status: int, kind: type[PlatformError], dialect: Dialect, body: bytes, publishes: bool
) -> None:
    error = error_for(status, body, dialect=dialect, publishes=publishes)

    assert type(error) is kind
    assert error.detail.code == str(status)
    assert error.detail.kind == kind.kind
    assert str(status) in error.detail.message


@pytest.mark.parametrize(("publishes", "kind"), [(True, Unconfirmed), (False, Unavailable)])
@pytest.mark.parametrize(("dialect", "body"), [(ANY, b""), (JSON_ONLY, OWN), (JSON_ONLY, FOREIGN)])
@pytest.mark.parametrize("status", IN_DOUBT)
def test_a_server_that_fails_may_have_published_and_what_publishes_nothing_is_tried_later(
    status: int, dialect: Dialect, body: bytes, publishes: bool, kind: type[PlatformError]
) -> None:
    assert type(error_for(status, body, dialect=dialect, publishes=publishes)) is kind


@pytest.mark.parametrize(("publishes", "kind"), [(True, Unconfirmed), (False, Unavailable)])
@pytest.mark.parametrize("body", [FOREIGN, b"", b"[]", b'{"message": 7}'])
@pytest.mark.parametrize("status", [*REFUSED, 401, 408, 425])
def test_the_refusal_of_another_server_is_none_of_the_networks(
    status: int, body: bytes, publishes: bool, kind: type[PlatformError]
) -> None:
    """The page of a proxy proves nothing: neither that the post was refused, nor that the account was."""
    error = error_for(status, body, dialect=JSON_ONLY, publishes=publishes)

    assert type(error) is kind
    assert "not the network's own answer" in error.detail.message


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (503, Unavailable)])
def test_whoever_says_come_back_later_has_taken_nothing(status: int, kind: type[PlatformError]) -> None:
    assert type(error_for(status, FOREIGN, dialect=JSON_ONLY)) is kind


def test_what_a_network_documents_comes_first_whatever_the_status() -> None:
    known = Rejected("no room", code="full")
    dialect = Dialect(documented=lambda reply: known if b"full" in reply.body else None)

    assert [judged(Reply(status, {}, b"full", NOON), dialect, publishes=True) for status in (200, 302, 500)] == [
        known
    ] * 3
    assert judged(Reply(200, {}, b"", NOON), dialect, publishes=True) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "HTTP 503"),
        (b"  out of order  ", "HTTP 503: out of order"),
        (b'{"message": "closed for lunch"}', "HTTP 503: closed for lunch"),
        (b'{"error": "closed"}', "HTTP 503: closed"),
        (b'{"error": {"code": 7}}', "HTTP 503: {'code': 7}"),
        (b"\xff\x00\xfe", "HTTP 503: \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_platforms_own_words_are_told(body: bytes, message: str) -> None:
    assert error_for(503, body).detail.message == message


def test_a_long_message_is_cut() -> None:
    assert len(error_for(503, b"x" * 10_000).detail.message) <= MOST_MESSAGE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", timedelta(0)),
        ("7", 7 * SECOND),
        (" 7 ", 7 * SECOND),
        ("0.25", timedelta(seconds=0.25)),
        ("-3", timedelta(0)),
        ("Sun, 28 Mar 2027 12:00:30 GMT", 30 * SECOND),
        ("Sun, 28 Mar 2027 12:00:30 +0000", 30 * SECOND),
        ("Sun, 28 Mar 2027 14:00:30 +0200", 30 * SECOND),
        ("Sunday, 28-Mar-27 12:00:30 GMT", 30 * SECOND),
        ("Sun Mar 28 12:00:30 2027", 30 * SECOND),
        ("Sun, 28 Mar 2027 11:00:00 GMT", timedelta(0)),
        ("99999999999999999999", LONGEST),
        ("99999999999", LONGEST),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", LONGEST),
        ("7 seconds", None),
        ("Sun, 99 Mar 2027 12:00:00 GMT", None),
        ("\xff", None),
    ],
)
def test_retry_after_is_read_in_seconds_or_as_a_date(value: str, expected: timedelta | None) -> None:
    reply = httpx.Response(429, headers={b"retry-after": value.encode("latin-1")})

    assert retry_after_of(reply.headers, NOON) == expected


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00")) | st.floats().map(str))
def test_no_retry_after_makes_a_post_wait_for_ever(value: str) -> None:
    error = error_for(429, retry_after=value)

    assert isinstance(error, RateLimited)
    assert timedelta(0) < error.retry_after <= LONGEST


def test_without_retry_after_the_reset_says_how_long_to_wait() -> None:
    resets_at = str(int(NOON.timestamp()) + 90)

    used_up = error_for(429, ratelimit_remaining="0", ratelimit_reset=resets_at)
    some_left = error_for(429, ratelimit_remaining="5", ratelimit_reset=resets_at)
    both = error_for(429, ratelimit_remaining="0", ratelimit_reset=resets_at, retry_after="7")

    assert [getattr(error, "retry_after", None) for error in (used_up, some_left, both)] == [
        90 * SECOND,
        5 * SECOND,
        7 * SECOND,
    ]


@pytest.mark.parametrize(("told", "seconds"), [(None, 5), ("0", 5), ("9", 9)])
def test_a_rate_limit_always_says_how_long_to_wait(told: str | None, seconds: int) -> None:
    error = error_for(429, retry_after=told)

    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds * SECOND


def test_an_overloaded_platform_may_say_when_to_come_back() -> None:
    error = error_for(503, retry_after="90")

    assert isinstance(error, Unavailable)
    assert error.retry_after == 90 * SECOND


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": "a", "url": "https://x.example/a"}', Published("a", "https://x.example/a")),
        (b'{"id": 17}', Published("17", None)),
        (b'{"id": "", "url": null}', Published(None, None)),
        (b'{"id": {"nested": 1}, "url": ["x"]}', Published(None, None)),
        (b'{"id": "a\\u0000b"}', Published("ab", None)),
        (b'["id"]', Published(None, None)),
        (b"thanks", Published(None, None)),
        (b"\xff\xfe\x00", Published(None, None)),
        (b"", Published(None, None)),
        (b"[" * 5000, Published(None, None)),
    ],
)
def test_whatever_follows_a_success_the_post_is_published(body: bytes, expected: Published) -> None:
    assert published_in(Reply(200, {}, body, NOON)) == expected


SILENCES: list[tuple[Exception, type[PlatformError]]] = [
    (ForbiddenAddress("the server's address is not public"), Forbidden),
    (httpx.UnsupportedProtocol("ftp"), Rejected),
    (httpx.LocalProtocolError("no such header"), Rejected),
    (httpx.InvalidURL("no host"), Rejected),
    (httpx.ConnectError("refused"), NotSent),
    (httpx.ConnectTimeout("slow"), NotSent),
    (httpx.PoolTimeout("busy"), NotSent),
    (httpx.ReadError("reset"), Unconfirmed),
    (httpx.ReadTimeout("silence"), Unconfirmed),
    (httpx.WriteError("reset"), Unconfirmed),
    (httpx.WriteTimeout("slow"), Unconfirmed),
    (httpx.RemoteProtocolError("garbage"), Unconfirmed),
    (httpx.DecodingError("not gzip"), Unconfirmed),
    (TimeoutError(), Unconfirmed),
]


@pytest.mark.parametrize(("failure", "kind"), SILENCES, ids=lambda value: getattr(value, "__name__", None))
async def test_only_what_was_surely_not_sent_is_surely_not_published(
    failure: Exception, kind: type[PlatformError]
) -> None:
    error = await failing_with(failure, publishes=True)

    assert type(error) is kind
    assert error.detail.message


@pytest.mark.parametrize(("failure", "kind"), SILENCES, ids=lambda value: getattr(value, "__name__", None))
async def test_what_publishes_nothing_leaves_no_doubt(failure: Exception, kind: type[PlatformError]) -> None:
    error = await failing_with(failure, publishes=False)

    assert type(error) is (Unavailable if kind is Unconfirmed else kind)
    assert error.is_silence is (kind in (NotSent, Unconfirmed))


async def failing_with(failure: Exception, *, publishes: bool = False) -> PlatformError:
    """The error of an exchange in which the transport fails."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as client:
        request = client.build_request("POST", "http://x.example")
        sent = publish(client, request, NOON, ANY, published_in) if publishes else exchange(client, request, NOON)
        with pytest.raises(PlatformError) as caught:
            await sent
    return caught.value


async def test_a_forbidden_address_says_what_would_allow_it() -> None:
    error = await failing_with(ForbiddenAddress("the server's address is not public"))

    assert "TIMEBALL_ALLOW_PRIVATE_ADDRESSES" in error.detail.message
    assert error.detail.code == "forbidden_address"


async def test_a_reply_that_breaks_off_leaves_the_outcome_unconfirmed() -> None:
    class Breaking(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b'{"id": '
            raise httpx.ReadError("reset")

    transport = httpx.MockTransport(lambda _: httpx.Response(503, stream=Breaking()))
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(Unconfirmed):
            await publish(client, client.build_request("POST", "http://x.example"), NOON, ANY, published_in)


async def test_a_reply_that_names_no_post_confirms_nothing() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"id": ""}))
    async with httpx.AsyncClient(transport=transport) as client:
        request = client.build_request("POST", "http://x.example")
        with pytest.raises(Unconfirmed, match="names no post"):
            await publish(client, request, NOON, JSON_ONLY, lambda _: None)


async def test_a_secret_that_a_reply_quotes_is_not_told() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(502, content=b"no answer from /bot7:s\x003cret/send"))
    async with httpx.AsyncClient(transport=transport) as client:
        request = client.build_request("POST", "http://x.example")
        with pytest.raises(Unconfirmed) as caught:
            await publish(client, request, NOON, Dialect(secrets=("s3cret",)), lambda _: None)

    assert "s3cret" not in caught.value.detail.message


@pytest.mark.parametrize("authorization", ["Bearer s3cret/t0ken", "Bot s3cret/t0ken", "Basic s3cret/t0ken"])
@pytest.mark.parametrize("quoted", ["s3cret/t0ken", "s3cret%2Ft0ken"])
async def test_what_a_request_signs_in_with_is_not_told(authorization: str, quoted: str) -> None:
    """Apache quotes a header that it finds too long, a debugging page all of them."""
    page = f"<pre>Authorization: {authorization.split(maxsplit=1)[0]} {quoted}</pre>"
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(400, text=page))) as client:
        request = client.build_request("POST", "http://x.example", headers={"authorization": authorization})
        with pytest.raises(Unconfirmed) as caught:
            await publish(client, request, NOON, JSON_ONLY, lambda _: None)

    assert "Authorization" in caught.value.detail.message
    assert quoted not in caught.value.detail.message


async def test_a_success_is_read_as_it_is() -> None:
    """A new refresh token may well be the old one."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"refresh_token": "s3cret"}))
    async with httpx.AsyncClient(transport=transport) as client:
        request = client.build_request("POST", "http://x.example", headers={"authorization": "Bearer s3cret"})
        reply = await exchange(client, request, NOON, Dialect(secrets=("s3cret",)))

    assert reply.json == {"refresh_token": "s3cret"}


@pytest.mark.parametrize(
    ("dialect", "told", "publishes", "closes"),
    [
        (x.DIALECT, {"detail": "Too Many Requests"}, True, True),
        (x.DIALECT, {"detail": "Too Many Requests"}, False, False),
        (x.DIALECT, {"title": "UsageCapExceeded", "scope": "Product"}, False, True),
        (mastodon.DIALECT, {"error": "Too many requests"}, False, False),
        (discord.DIALECT, {"message": "You are being rate limited."}, False, False),
        (discord.DIALECT, {"message": "You are being rate limited.", "global": True}, False, True),
        (linkedin.DIALECT, {"message": "Throttled"}, False, False),
        (reddit.DIALECT, {"message": "Too Many Requests"}, False, True),
        (bluesky.DIALECT, {"error": "RateLimitExceeded"}, False, True),
    ],
)
def test_a_limit_of_look_ups_or_uploads_closes_an_account_only_where_it_is_that_of_posts(
    dialect: Dialect, told: dict[str, Any], publishes: bool, closes: bool
) -> None:
    """X lets a small app ask 25 times a day who it is, and post 17 times."""
    error = judged(Reply(429, {}, to_json(told), NOON), dialect, publishes=publishes)

    assert isinstance(error, RateLimited)
    assert error.closes is closes


def test_a_date_in_another_zone_is_the_same_instant() -> None:
    reply = httpx.Response(429, headers={"retry-after": format_datetime(NOON + 12 * SECOND)})

    assert retry_after_of(reply.headers, NOON) == 12 * SECOND
