"""What the publisher asks of a platform, and the few ways in which a platform can fail.

PlatformError
├── Transient       nothing was published: try again with backoff
├── RateLimited     nothing was published: wait, without using up an attempt
├── Rejected        the platform will never take it
├── Unauthorized    the credentials are no longer good
└── Unconfirmed     the request may have landed: never blindly send it again
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, ClassVar, Protocol

import httpx
from pydantic_core import from_json

from shared.events.base import ErrorDetail
from shared.outbound import ForbiddenAddress, read_bounded

MOST_MESSAGE = 500
LONGEST_WAIT = timedelta(days=1)
"""A platform that asks for more is asked again after a day: what it says may be nonsense."""


class PlatformError(Exception):
    """Something went wrong between us and the platform."""

    kind: ClassVar[str]

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.detail = ErrorDetail(kind=self.kind, code=code or self.kind, message=message[:MOST_MESSAGE])


class Transient(PlatformError):
    """Nothing was published; the same request may succeed later, not before `retry_after` where one is given."""

    kind = "transient"

    def __init__(self, message: str, *, code: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class RateLimited(PlatformError):
    """Nothing was published; the platform wants us to wait."""

    kind = "rate_limited"

    def __init__(self, message: str, *, retry_after: timedelta, code: str = "") -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Rejected(PlatformError):
    """The platform will never take this."""

    kind = "rejected"


class Unauthorized(PlatformError):
    """The credentials are not, or no longer, good."""

    kind = "unauthorized"


class Unconfirmed(PlatformError):
    """The request may have landed."""

    kind = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Post:
    """What is to appear on the platform."""

    post_id: str
    account_id: str
    revision: int
    publish_at: datetime
    content: str
    media: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same for every attempt at this revision on this account, and for nothing else."""
        return f"{self.post_id}:{self.account_id}:{self.revision}"


@dataclass(frozen=True, slots=True)
class Account:
    """Where a post goes, and as whom. `credentials` are secret."""

    account_id: str
    platform: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Account({self.account_id!r}, {self.platform!r})"


@dataclass(frozen=True, slots=True)
class Published:
    """Where the post can be found."""

    platform_post_id: str | None = None
    url: str | None = None


class Ready(Protocol):
    """A post prepared for its instant: all that is left is to send it."""

    async def send(self, now: datetime) -> Published:
        """Send it, or raise a PlatformError."""
        ...


class Platform(Protocol):
    """A network that posts are sent to."""

    @property
    def name(self) -> str: ...

    @property
    def deduplicates(self) -> bool:
        """Whether the platform takes a repeated request for one and the same post as one."""
        ...

    def check(self, account: Account) -> None:
        """Raise Rejected where settings or credentials cannot work."""
        ...

    async def prepare(self, post: Post, account: Account) -> Ready:
        """Do everything that can be done before the instant."""
        ...

    def answers_look_ups(self, account: Account) -> bool:
        """Whether `look_up` can tell if a post has landed."""
        ...

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The post as it is found on the platform, or None where it is not there."""
        ...


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
        raise Transient(str(error), code="no_connection") from error
    except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
        raise Unconfirmed(str(error) or "no reply in time", code="no_reply") from error


async def exchange(client: httpx.AsyncClient, request: httpx.Request, now: datetime) -> tuple[httpx.Response, bytes]:
    """Send a request and return its successful reply, or raise a PlatformError."""
    async with network_failures():
        response = await client.send(request, stream=True)
        try:
            body = await read_bounded(response)
        finally:
            await response.aclose()
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


def retry_after_of(response: httpx.Response, now: datetime) -> timedelta | None:
    """How long the platform asks us to wait, a day at most: `Retry-After` in seconds or as a date."""
    value = response.headers.get("retry-after", "").strip()
    wait = _seconds(value)
    if wait is None:
        wait = _until(value, now)
    return None if wait is None else min(max(timedelta(0), wait), LONGEST_WAIT)


def _seconds(value: str) -> timedelta | None:
    try:
        return timedelta(seconds=min(float(value), LONGEST_WAIT.total_seconds()))
    except (ValueError, OverflowError):
        return None


def _until(value: str, now: datetime) -> timedelta | None:
    try:
        instant = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    in_utc = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return in_utc - now


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
