"""What a platform's answer, or its silence, means for the post."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.outcomes import after_failure
from services.publisher.platforms.allowance import retry_after_of
from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import (
    MOST_MESSAGE,
    PlatformError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from services.publisher.platforms.exchange import exchange, network_failures, raise_for
from services.publisher.platforms.posting import published
from shared.events.progress import State
from shared.outbound import ForbiddenAddress
from tests.support.publications import NOON, SECOND, a_publication

LONGEST = timedelta(days=1)


def error_for(status: int, body: bytes = b"", *, retry_after: str | None = None) -> PlatformError:
    """The error that a reply at noon stands for."""
    headers = {} if retry_after is None else {b"retry-after": retry_after.encode("latin-1")}
    with pytest.raises(PlatformError) as caught:
        raise_for(httpx.Response(status, headers=headers), body, NOON)
    return caught.value


async def test_a_host_that_cannot_exist_is_a_request_that_cannot_be_sent() -> None:
    with pytest.raises(Rejected) as caught:
        async with network_failures():
            assert httpx.URL("https://xn--a/").host

    assert caught.value.detail.code == "invalid_request"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_raises_nothing(status: int) -> None:
    raise_for(httpx.Response(status), b"", NOON)


STATUSES: list[tuple[int, type[PlatformError]]] = [
    *((status, Rejected) for status in (300, 301, 302, 304, 307, 308)),
    *(
        (status, Rejected)
        for status in (400, 402, 403, 404, 405, 406, 409, 410, 411, 413, 415, 418, 422, 423, 426, 451)
    ),
    (401, Unauthorized),
    (408, Transient),
    (425, Transient),
    (429, RateLimited),
    *((status, Transient) for status in (500, 501, 502, 503, 504, 520, 599)),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_each_status_has_its_meaning(status: int, kind: type[PlatformError]) -> None:
    error = error_for(status)

    assert type(error) is kind
    assert error.detail.code == str(status)
    assert error.detail.kind == kind.kind
    assert str(status) in error.detail.message


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

    assert retry_after_of(reply, NOON) == expected


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00")) | st.floats().map(str))
def test_no_retry_after_breaks_a_retry(value: str) -> None:
    error = error_for(429, retry_after=value)
    sending = a_publication(state=State.SENDING, attempts=1)

    outcome = after_failure(sending, error, deduplicates=False, jitter=0, now=NOON)

    assert outcome.publication.state == State.RETRYING
    assert NOON < outcome.publication.start_at <= NOON + LONGEST


@pytest.mark.parametrize(("told", "seconds"), [(None, 5), ("0", 5), ("9", 9)])
def test_a_rate_limit_always_says_how_long_to_wait(told: str | None, seconds: int) -> None:
    error = error_for(429, retry_after=told)

    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds * SECOND


def test_an_overloaded_platform_may_say_when_to_come_back() -> None:
    error = error_for(503, retry_after="90")

    assert isinstance(error, Transient)
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
    assert published(body) == expected


SILENCES: list[tuple[Exception, type[PlatformError]]] = [
    (ForbiddenAddress("the server's address is not public"), Rejected),
    (httpx.UnsupportedProtocol("ftp"), Rejected),
    (httpx.LocalProtocolError("no such header"), Rejected),
    (httpx.InvalidURL("no host"), Rejected),
    (httpx.ConnectError("refused"), Transient),
    (httpx.ConnectTimeout("slow"), Transient),
    (httpx.PoolTimeout("busy"), Transient),
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
    error = await failing_with(failure)

    assert type(error) is kind
    assert error.detail.message


async def failing_with(failure: Exception) -> PlatformError:
    """The error of an exchange in which the transport fails."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as client:
        with pytest.raises(PlatformError) as caught:
            await exchange(client, client.build_request("POST", "http://x.example"), NOON)
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
            await exchange(client, client.build_request("POST", "http://x.example"), NOON)


def test_a_date_in_another_zone_is_the_same_instant() -> None:
    reply = httpx.Response(429, headers={"retry-after": format_datetime(NOON + 12 * SECOND)})

    assert retry_after_of(reply, NOON) == 12 * SECOND
