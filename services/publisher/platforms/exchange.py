"""An HTTP request to a platform and its reply, with every failure named as what it means for the post."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
from pydantic_core import from_json

from services.publisher.platforms.allowance import retry_after_of
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
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
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
        raise RateLimited(message, retry_after=retry_after or timedelta(seconds=5), code=code)
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


def text_or_none(value: object) -> str | None:
    """A platform's id or URL as text."""
    return str(value)[:2000].replace("\x00", "") if isinstance(value, str | int) and value != "" else None


def _message(response: httpx.Response, body: bytes) -> str:
    told = json_object(body)
    message = told.get("message") or told.get("error") or body.decode("utf-8", "replace").strip()
    return f"HTTP {response.status_code}: {str(message).replace(chr(0), '')[:MOST_MESSAGE]}".rstrip(": ")
