"""An HTTP request to a platform and its reply, with every failure named as what it means for the post."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
from pydantic_core import from_json

from services.publisher.platforms.allowance import retry_after_of
from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import (
    MOST_MESSAGE,
    NO_CONNECTION,
    NO_REPLY,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from shared.outbound import ForbiddenAddress, send_bounded

MOST_BYTES = 65536
"""Of a reply no more is read, unless a longer one is expected."""
LONG_REPLY = 8 * 1024 * 1024
"""A list of a hundred long posts is not cut off."""
NO_ANSWER_BEHIND = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT, 520, 524)
"""What gateways (the last two are Cloudflare's) answer when the server behind them gave none that they understood."""
USUAL_WAIT = timedelta(seconds=5)
"""Where a network says that it is too much, but not for how long."""
Judge = Callable[[httpx.Response, bytes, datetime], None]
"""Raises the PlatformError that a reply stands for, where more than its status must be known to tell."""


@asynccontextmanager
async def network_failures() -> AsyncIterator[None]:
    """Turns every failure of the network into a PlatformError that tells whether the request may have landed."""
    try:
        yield
    except ForbiddenAddress as error:
        raise Rejected(
            f"{error}; set TIMEBALL_ALLOW_PRIVATE_ADDRESSES to allow it", code="forbidden_address"
        ) from error
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError) as error:
        raise Rejected(str(error), code="invalid_request") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise Transient(str(error), code=NO_CONNECTION) from error
    except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
        raise Unconfirmed(str(error) or "no reply in time", code=NO_REPLY) from error


async def exchange(
    client: httpx.AsyncClient,
    request: httpx.Request,
    now: datetime,
    judge: Judge | None = None,
    *,
    most_bytes: int = MOST_BYTES,
) -> tuple[httpx.Response, bytes]:
    """Send a request and return its successful reply, or raise a PlatformError; `judge` is asked first."""
    async with network_failures():
        response, body = await send_bounded(client, request, most_bytes)
    if judge:
        judge(response, body, now)
    raise_for(response, body, now)
    return response, body


async def submitted(
    client: httpx.AsyncClient,
    request: httpx.Request,
    now: datetime,
    judge: Judge | None = None,
    *,
    most_bytes: int = MOST_BYTES,
) -> tuple[httpx.Response, bytes]:
    """The reply to a request that publishes; a gateway that gave up waiting cannot tell whether the post has landed."""

    def judged(response: httpx.Response, body: bytes, now: datetime) -> None:
        if response.status_code in NO_ANSWER_BEHIND:
            raise Unconfirmed(f"HTTP {response.status_code}: the gateway got no reply", code=str(response.status_code))
        if judge:
            judge(response, body, now)

    return await exchange(client, request, now, judged, most_bytes=most_bytes)


async def asked(
    client: httpx.AsyncClient, request: httpx.Request, now: datetime, judge: Judge | None = None
) -> Mapping[str, Any]:
    """The object in the reply to a request that publishes nothing."""
    _, body = await exchange(client, request, now, judge, most_bytes=LONG_REPLY)
    return json_object(body)


async def there_already(look_up: Awaitable[Published | None], refusal: Rejected) -> Published:
    """What a network refuses to take twice, where it is this very post; Unconfirmed where that cannot be found out."""
    try:
        found = await look_up
    except Rejected as error:
        reason = f"{refusal.detail.message}; whether it is this post cannot be found out: {error.detail.message}"
        raise Unconfirmed(reason, code=refusal.detail.code) from error
    if found is None:
        raise refusal
    return found


def raise_for(response: httpx.Response, body: bytes, now: datetime) -> None:
    """Raise the PlatformError that a reply's status stands for."""
    status = response.status_code
    if response.is_success:
        return
    message, code = _message(response, body), str(status)
    retry_after = retry_after_of(response, now)
    if status == HTTPStatus.UNAUTHORIZED:
        raise Unauthorized(message, code=code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(message, retry_after=retry_after or USUAL_WAIT, code=code)
    if response.is_server_error or status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY):
        raise Transient(message, code=code, retry_after=retry_after)
    raise Rejected(message, code=code)


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; empty where it is none."""
    try:
        value = from_json(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def object_or_empty(value: object) -> Mapping[str, Any]:
    """A part of a reply as an object; empty where it is none."""
    return value if isinstance(value, dict) else {}


def objects_in(value: object) -> list[Mapping[str, Any]]:
    """The objects in a part of a reply that should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_or_none(value: object) -> str | None:
    """A platform's id or URL as text."""
    is_text = isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    return str(value)[:2000].replace("\x00", "") if is_text else None


def without(secret: str, body: bytes) -> bytes:
    """A reply without a secret that it quotes, as the page of a proxy may do, in whatever encoding."""
    return body.replace(b"\x00", b"").replace(secret.encode(), b"***")


def _message(response: httpx.Response, body: bytes) -> str:
    told = json_object(body)
    message = told.get("message") or told.get("error") or body.decode("utf-8", "replace").strip()
    return f"HTTP {response.status_code}: {str(message).replace(chr(0), '')[:MOST_MESSAGE]}".rstrip(": ")
