"""OAuth 2: refresh tokens that renew the access token."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal

import httpx

from services.publisher.platforms.allowance import wait_of
from services.publisher.platforms.base import Account, Renewed
from services.publisher.platforms.errors import PlatformError, Unauthorized, Unavailable
from services.publisher.platforms.exchange import exchange, unreadable
from services.publisher.platforms.judging import Dialect
from services.publisher.platforms.reply import Reply

PASSING = ("temporarily_unavailable", "server_error")
REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)
LONGEST_LIFE = timedelta(days=3650)
MOST_CODE = 100


async def refreshed(
    client: httpx.AsyncClient,
    url: str,
    account: Account,
    now: datetime,
    *,
    names_client_by: Literal["basic", "form"],
    headers: Mapping[str, str] | None = None,
) -> Renewed:
    """New tokens; Unauthorized where the network gives none any more."""
    request = _request(client, url, account, names_client_by, headers or {})
    told = (await exchange(client, request, now, replace(TOKENS, secrets=secrets_of(account)))).json
    new = {name: told[name] for name in ("access_token", "refresh_token") if _is_token(told.get(name))}
    if "access_token" not in new:
        raise unreadable("holds no access token")
    return Renewed(
        new,
        expires_at=_in(told.get("expires_in"), now),
        refresh_expires_at=_in(told.get("refresh_token_expires_in"), now),
    )


def secrets_of(account: Account) -> tuple[str, ...]:
    """What a request for tokens, or about them, has in its form."""
    named = ("refresh_token", "access_token", "client_secret")
    return tuple(one for name in named if isinstance(one := account.credentials.get(name), str) and one)


def _request(
    client: httpx.AsyncClient, url: str, account: Account, names_client_by: str, headers: Mapping[str, str]
) -> httpx.Request:
    """The app is named in a header, or in the form."""
    form = {"grant_type": "refresh_token", "refresh_token": account.credentials["refresh_token"]}
    client_id, secret = account.credentials["client_id"], account.credentials.get("client_secret") or ""
    if names_client_by == "basic":
        request = client.build_request("POST", url, data=form, headers=dict(headers))
        return next(httpx.BasicAuth(client_id, secret).auth_flow(request))
    form["client_id"] = client_id
    if secret:
        form["client_secret"] = secret
    return client.build_request("POST", url, data=form, headers=dict(headers))


def _documented(reply: Reply) -> PlatformError | None:
    """OAuth names its errors in the body, some networks with status 200."""
    error = reply.json.get("error")
    if reply.status == HTTPStatus.UNAUTHORIZED and not reply.body:
        return Unauthorized(reply.saying("no new token"), code=str(reply.status))
    if not _is_oauth(reply) or reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return None
    if error in PASSING:
        return Unavailable(f"no new token yet: {error}", code=str(error))
    if not (reply.is_success or reply.is_refusal):
        return None
    return Unauthorized(f"no new token: {error_words(reply)}", code=str(error)[:MOST_CODE])


def error_words(reply: Reply) -> str | None:
    """What an authority says of an error."""
    said = reply.json.get("error_description") or reply.json.get("error")
    return str(said) if said else None


def _is_oauth(reply: Reply) -> bool:
    """Whether it names an error. Reddit repeats the status in its place, as any gateway does: then only two count."""
    error = reply.json.get("error")
    return bool(error) and (isinstance(error, str) or reply.status in REFUSALS)


def _words(reply: Reply) -> str | None:
    return error_words(reply) if _is_oauth(reply) else None


TOKENS = Dialect(_words, _documented)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _in(seconds: object, now: datetime) -> datetime | None:
    life = wait_of(seconds, LONGEST_LIFE)
    return now + life if life else None
