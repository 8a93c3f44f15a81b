"""What networks with OAuth 2 have in common: a bearer token in every request, and refresh tokens that renew it."""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from services.publisher.platforms.base import Account, Published, Renewed
from services.publisher.platforms.errors import Rejected, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import (
    Judge,
    exchange,
    json_object,
    network_failures,
    raise_for,
    text_or_none,
)
from shared.outbound import send_bounded

LONG_AGO = datetime.fromtimestamp(0, UTC)
LONGEST_LIFE = timedelta(days=3650)
MOST_BYTES = 8 * 1024 * 1024
"""A list of a hundred long posts is not cut off."""
GATEWAY_ERRORS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


def server_of(account: Account, official: str) -> str:
    """`settings.server`, or the network's own; Rejected where it is no base URL."""
    given = account.settings.get("server") or official
    if not is_web_url(given):
        raise Rejected(f"settings.server: {given!r} is no http(s) URL", code="invalid_settings")
    return str(given).rstrip("/")


def is_web_url(given: object) -> bool:
    """Whether it is an http(s) URL with a host."""
    try:
        url = httpx.URL(given) if isinstance(given, str) else httpx.URL("")
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host) and "%" not in url.host


def require_credentials(account: Account, *names: str) -> None:
    """Raise Rejected unless each of these credentials is a text."""
    for name in names:
        given = account.credentials.get(name)
        if not isinstance(given, str) or not given:
            raise Rejected(f"credentials.{name}: a text is needed, see docs/platforms", code="invalid_credentials")


def require_instants(account: Account, *names: str) -> None:
    """Raise Rejected unless each of these credentials is an instant, where it is given."""
    for name in names:
        instant_of(account, name)


def instant_of(account: Account, name: str) -> datetime | None:
    """An instant in the credentials (RFC 3339), None where there is none, or Rejected."""
    given = account.credentials.get(name)
    if given is None:
        return None
    try:
        instant = datetime.fromisoformat(str(given))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Rejected(
            f"credentials.{name}: {given!r} is no RFC 3339 instant with an offset", code="invalid_credentials"
        )
    return instant.astimezone(UTC)


def bearer(account: Account) -> dict[str, str]:
    """The header that says who asks; Unauthorized where there is no token yet."""
    token = account.credentials.get("access_token")
    if not token:
        raise Unauthorized("there is no access token yet", code="no_token")
    return {"authorization": f"Bearer {token}"}


async def submitted(
    client: httpx.AsyncClient, request: httpx.Request, now: datetime, judge: Judge | None = None
) -> tuple[httpx.Response, bytes]:
    """The reply to a request that publishes; a gateway that gave up waiting cannot tell whether the post has landed."""

    def judged(response: httpx.Response, body: bytes, now: datetime) -> None:
        if response.status_code in GATEWAY_ERRORS:
            raise Unconfirmed(f"HTTP {response.status_code}: the gateway got no reply", code=str(response.status_code))
        if judge:
            judge(response, body, now)

    return await exchange(client, request, now, judged)


async def asked(client: httpx.AsyncClient, request: httpx.Request, judge: Judge | None = None) -> Mapping[str, Any]:
    """The reply to a request that publishes nothing; what it says of time is read by its own date."""
    async with network_failures():
        response, body = await send_bounded(client, request, MOST_BYTES)
    if judge:
        judge(response, body, _dated(response))
    raise_for(response, body, _dated(response))
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


def _dated(response: httpx.Response) -> datetime:
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return LONG_AGO


def token_request(
    client: httpx.AsyncClient,
    url: str,
    account: Account,
    *,
    names_client_by: str,
    headers: Mapping[str, str] | None = None,
) -> httpx.Request:
    """The request for new tokens; `names_client_by` is `basic` (a header) or `form`."""
    form = {"grant_type": "refresh_token", "refresh_token": account.credentials["refresh_token"]}
    client_id, secret = account.credentials["client_id"], account.credentials.get("client_secret") or ""
    named = dict(headers or {})
    if names_client_by == "basic":
        basic = httpx.BasicAuth(client_id, secret)
        request = client.build_request("POST", url, data=form, headers=named)
        return next(basic.auth_flow(request))
    form["client_id"] = client_id
    if secret:
        form["client_secret"] = secret
    return client.build_request("POST", url, data=form, headers=named)


async def refreshed(client: httpx.AsyncClient, request: httpx.Request, now: datetime) -> Renewed:
    """The new tokens; Unauthorized where the network gives none any more."""
    _, body = await exchange(client, request, now, _judge_tokens)
    told = json_object(body)
    token = text_or_none(told.get("access_token"))
    if token is None:
        raise Unconfirmed("the reply holds no access token", code="unreadable_reply")
    new = {"access_token": token}
    if rotated := text_or_none(told.get("refresh_token")):
        new["refresh_token"] = rotated
    return Renewed(
        new,
        expires_at=_in(told.get("expires_in"), now),
        refresh_expires_at=_in(told.get("refresh_token_expires_in"), now),
    )


def _judge_tokens(response: httpx.Response, body: bytes, now: datetime) -> None:
    """OAuth names its errors in the body, some networks with status 200."""
    told = json_object(body)
    is_overloaded = response.is_server_error or response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    if "error" in told and not is_overloaded:
        reason = str(told.get("error_description") or told["error"])
        raise Unauthorized(f"no new token: {reason}", code=str(told["error"])[:100])


def _in(seconds: object, now: datetime) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return None
    return now + min(timedelta(seconds=min(seconds, LONGEST_LIFE.total_seconds())), LONGEST_LIFE)
