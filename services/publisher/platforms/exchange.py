"""An HTTP request to a platform and its reply, with every failure named as what it means for the post."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import httpx

from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import (
    NO_REPLY,
    UNREADABLE_REPLY,
    Forbidden,
    NotSent,
    PlatformError,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from services.publisher.platforms.judging import ANY, Dialect, judged
from services.publisher.platforms.reply import Reply, text_or_none
from shared.outbound.client import send_bounded
from shared.outbound.failures import ForbiddenAddress


class network_failures:  # noqa: N801  (it is used as a function, for every request)
    """Turns every failure of the network into a PlatformError that tells whether the request may have landed."""

    def __init__(self, *, publishes: bool = False) -> None:
        self._publishes = publishes

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and (told := self._told(error)):
            raise told from error

    def _told(self, error: Exception) -> PlatformError | None:
        match error:
            case ForbiddenAddress():
                return Forbidden(str(error))
            case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL() | UnicodeError():
                return Rejected(str(error), code="invalid_request")
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
                return NotSent(str(error))
            case httpx.TransportError() | httpx.DecodingError() | TimeoutError():
                reason = str(error) or "no reply in time"
                return (Unconfirmed if self._publishes else Unavailable)(reason, code=NO_REPLY)
        return None


async def exchange(client: httpx.AsyncClient, request: httpx.Request, now: datetime, dialect: Dialect = ANY) -> Reply:
    """Send a request that publishes nothing; its successful reply, or a PlatformError."""
    async with network_failures():
        reply = await _replied(client, request, now, dialect)
    if error := judged(reply, dialect, publishes=False):
        raise error
    return reply


async def publish(
    client: httpx.AsyncClient,
    request: httpx.Request,
    now: datetime,
    dialect: Dialect,
    published_in: Callable[[Reply], Published | None],
) -> Published:
    """Send the request that publishes a post; where it is by the reply to it, or a PlatformError.

    A reply that names no post, where `published_in` finds none, confirms nothing.
    """
    async with network_failures(publishes=True):
        reply = await _replied(client, request, now, dialect)
    if error := judged(reply, dialect, publishes=True):
        raise error
    published = published_in(reply)
    if published is None:
        raise Unconfirmed("the reply names no post", code=UNREADABLE_REPLY)
    return replace(published, allowance=dialect.allowance_in(reply))


@contextmanager
def blaming(credentials: str, *, settings: str = "settings.server") -> Iterator[None]:
    """Puts in front of a refusal what a person has to correct."""
    try:
        yield
    except Unauthorized as error:
        raise Unauthorized(f"{credentials}: {error.detail.message}", code=error.detail.code) from error
    except (Rejected, Forbidden) as error:
        raise Rejected(f"{settings}: {error.detail.message}", code=error.detail.code) from error


def unreadable(what: str) -> Unavailable:
    """What a reply without the thing that was asked for means, where nothing was to be published."""
    return Unavailable(f"the reply {what}", code=UNREADABLE_REPLY)


def needed(value: object, otherwise: str) -> str:
    """An id that a reply must hold, as text; what is said of the reply `otherwise`, as by `unreadable`."""
    text = text_or_none(value)
    if text is None:
        raise unreadable(otherwise)
    return text


async def _replied(client: httpx.AsyncClient, request: httpx.Request, now: datetime, dialect: Dialect) -> Reply:
    response, body = await send_bounded(client, request, dialect.most_bytes, body_within=dialect.body_within)
    reply = Reply(response.status_code, response.headers, body, now)
    return reply if reply.is_success else replace(reply, body=_without(_secrets_in(request, dialect), body))


def _secrets_in(request: httpx.Request, dialect: Dialect) -> set[str]:
    """What the request proves itself with, as it is written in it."""
    given = {request.headers.get("authorization", "").rpartition(" ")[2], *dialect.secrets} - {""}
    return given | {quote(one, safe="") for one in given}


def _without(secrets: set[str], body: bytes) -> bytes:
    """A refusal without the secrets that it quotes, as the page of a proxy may do, in whatever encoding."""
    if secrets:
        body = body.replace(b"\x00", b"")
    for secret in sorted(secrets, key=len, reverse=True):
        body = body.replace(secret.encode(), b"***")
    return body
