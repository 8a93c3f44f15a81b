"""OAuth 2: refresh tokens that renew the access token."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from services.publisher.platforms.base import Account, Renewed
from services.publisher.platforms.errors import Transient, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import exchange, json_object, text_or_none

PASSING = ("temporarily_unavailable", "server_error")
LONGEST_LIFE = timedelta(days=3650)


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
    if told.get("error") in PASSING:
        raise Transient(f"no new token yet: {told['error']}", code=str(told["error"]))
    if "error" in told and not is_overloaded:
        reason = str(told.get("error_description") or told["error"])
        raise Unauthorized(f"no new token: {reason}", code=str(told["error"])[:100])


def _in(seconds: object, now: datetime) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return None
    return now + min(timedelta(seconds=min(seconds, LONGEST_LIFE.total_seconds())), LONGEST_LIFE)
