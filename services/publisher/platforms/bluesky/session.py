"""A session at an AT Protocol server: its tokens rotate, and the password is used only where they are of no use."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic_core import from_json

from services.publisher.platforms.account_fields import LONG_AGO, is_web_url, server_of
from services.publisher.platforms.base import Account, Renewed
from services.publisher.platforms.bluesky.replies import DIALECT
from services.publisher.platforms.errors import Rejected, Unauthorized
from services.publisher.platforms.exchange import exchange, unreadable
from services.publisher.platforms.reply import object_or_empty, objects_in

OFFICIAL = "https://bsky.social"


@dataclass(frozen=True, slots=True)
class Session:
    """Who posts, and where: `pds` is the server that holds the account's records."""

    did: str
    handle: str
    pds: str
    access_jwt: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header that proves it."""
        return {"authorization": f"Bearer {self.access_jwt}"}

    @property
    def name(self) -> str:
        """How the profile is found on the web: by its handle, unless that has been lost."""
        return self.did if self.handle in ("", "handle.invalid") else self.handle


def session_of(account: Account) -> Session:
    """The account's session, or Unauthorized where it has none yet."""
    kept = account.credentials
    if not kept.get("access_jwt") or not kept.get("did"):
        raise Unauthorized("there is no session yet", code="no_session")
    pds = kept.get("pds") or server_of(account, OFFICIAL)
    return Session(kept["did"], kept.get("handle") or "", pds, kept["access_jwt"])


def session_ends_at(account: Account) -> datetime | None:
    """When the access token ends: at once where there is none, None where it does not tell."""
    token = account.credentials.get("access_jwt")
    return expiry_of(token) if token else LONG_AGO


async def renewed_session(client: httpx.AsyncClient, account: Account, now: datetime) -> Renewed:
    """A new session by the refresh token; by the app password only where there is none that the server takes."""
    token = account.credentials.get("refresh_jwt")
    if token:
        try:
            return await _ask(client, account, "refreshSession", now, headers={"authorization": f"Bearer {token}"})
        except (Unauthorized, Rejected):
            pass
    return await _logged_in(client, account, now)


async def _logged_in(client: httpx.AsyncClient, account: Account, now: datetime) -> Renewed:
    """A session by the app password; a handle may have changed since, but not the DID that it belonged to."""
    given, did = account.credentials["identifier"], account.credentials.get("did")
    body = {"identifier": given, "password": account.credentials["password"]}
    try:
        return await _ask(client, account, "createSession", now, json=body)
    except Unauthorized as error:
        if did in (None, given):
            raise
        try:
            return await _ask(client, account, "createSession", now, json=body | {"identifier": did})
        except (Unauthorized, Rejected):
            raise error from None


def expiry_of(token: str, issued_at: datetime | None = None) -> datetime | None:
    """When a JWT ends, by its own words; of one issued just now by our clock, where it tells how long it lasts."""
    try:
        payload = token.split(".")[1]
        claims = from_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if issued_at and "iat" in claims:
            return issued_at + timedelta(seconds=claims["exp"] - claims["iat"])
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, binascii.Error):
        return None


async def _ask(client: httpx.AsyncClient, account: Account, method: str, now: datetime, **more: Any) -> Renewed:
    url = f"{server_of(account, OFFICIAL)}/xrpc/com.atproto.server.{method}"
    dialect = replace(DIALECT, secrets=(account.credentials["password"],))
    told = (await exchange(client, client.build_request("POST", url, **more), now, dialect)).json
    tokens = {"access_jwt": told.get("accessJwt"), "refresh_jwt": told.get("refreshJwt"), "did": told.get("did")}
    if not all(isinstance(value, str) and value for value in tokens.values()):
        raise unreadable("holds no session")
    session = {**tokens, "handle": told.get("handle") or "", "pds": _pds(told)}
    return Renewed(session, expires_at=expiry_of(str(told["accessJwt"]), now))


def _pds(told: Mapping[str, Any]) -> str | None:
    """The server that the account's DID document names, if it names one."""
    for one in objects_in(object_or_empty(told.get("didDoc")).get("service")):
        if str(one.get("id", "")).endswith("#atproto_pds"):
            endpoint = one.get("serviceEndpoint")
            return str(endpoint).rstrip("/") if is_web_url(endpoint) else None
    return None
