"""Signing in to a network with the browser: authorisation code (RFC 6749), with PKCE (RFC 7636) where it is known."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.client import DEFAULT_HEADERS, OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from shared.outbound.client import send_bounded

ENDS = {"expires_in": "expires_at", "refresh_token_expires_in": "refresh_expires_at"}
LONGEST_LIFE = timedelta(days=3650)
NAMED = {
    "user-agent": "timeball (scheduled publishing)",
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
}

Signed = tuple[dict[str, Any], dict[str, Any]]
"""Settings and credentials of an account."""


class SignInFailed(Exception):
    """Nobody was signed in; the text says why, and what to do."""


@dataclass(frozen=True)
class Network:
    """How a network signs people in, and what is kept of what it gives."""

    page: str
    tokens: str
    scope: str
    needed: str
    """The credential without which there is nothing to send to the publisher."""
    kept: tuple[str, ...]
    app: tuple[str, ...] = ("client_id", "client_secret")
    """What is asked of the person beforehand: the keys of an app of their own."""
    names_client_by: str = "client_secret_basic"
    has_pkce: bool = False
    registers: str = ""
    """Where apps register themselves."""
    me: str = ""
    """What tells who has signed in, for `settings.author`."""
    also: Mapping[str, str] = field(default_factory=dict)


NETWORKS: Mapping[str, Network] = {
    "x": Network(
        page="https://x.com/i/oauth2/authorize",
        tokens="https://api.x.com/2/oauth2/token",
        scope="tweet.read tweet.write users.read media.write offline.access",
        needed="access_token",
        kept=("client_id", "client_secret", "access_token", "refresh_token", "expires_at"),
        has_pkce=True,
    ),
    "linkedin": Network(
        page="https://www.linkedin.com/oauth/v2/authorization",
        tokens="https://www.linkedin.com/oauth/v2/accessToken",
        scope="openid profile w_member_social",
        needed="access_token",
        kept=("client_id", "client_secret", "access_token", "refresh_token", "expires_at", "refresh_expires_at"),
        names_client_by="client_secret_post",
        me="https://api.linkedin.com/v2/userinfo",
    ),
    "reddit": Network(
        page="https://www.reddit.com/api/v1/authorize",
        tokens="https://www.reddit.com/api/v1/access_token",
        scope="identity submit read history",
        needed="refresh_token",
        kept=("client_id", "client_secret", "refresh_token"),
        also={"duration": "permanent"},
    ),
    "mastodon": Network(
        page="https://mastodon.social/oauth/authorize",
        tokens="https://mastodon.social/oauth/token",
        scope="read:accounts read:statuses write:statuses write:media",
        needed="access_token",
        kept=("access_token",),
        app=(),
        names_client_by="client_secret_post",
        has_pkce=True,
        registers="https://mastodon.social/api/v1/apps",
    ),
}
ORGANIZATION_SCOPE = "w_organization_social r_organization_social"


def network_of(platform: str, settings: Mapping[str, Any]) -> Network | None:
    """How the account's network signs people in, at its own server where it has one; None where it does not."""
    network = NETWORKS.get(platform)
    if network is None:
        return None
    if str(settings.get("author", "")).startswith("urn:li:organization"):
        network = replace(network, scope=ORGANIZATION_SCOPE)
    server = str(settings.get("server", "")).rstrip("/")
    if not server:
        return network
    return replace(
        network,
        page=_at(server, network.page),
        tokens=_at(server, network.tokens),
        registers=_at(server, network.registers),
        me=_at(server, network.me),
    )


def _at(server: str, address: str) -> str:
    return server + urlsplit(address).path if address else ""


@dataclass(frozen=True)
class Started:
    """A sign-in that waits for the person: the page to show, and what must be known when the browser is back."""

    page: str
    state: str
    verifier: str
    app: Mapping[str, str]


async def start(http: httpx.AsyncClient, network: Network, app: Mapping[str, str], back: str) -> Started:
    """Where the person signs in; the network then sends the browser to `back`. Raises SignInFailed."""
    _check(app)
    if network.registers:
        app = await _registered(http, network, back)
    verifier = token_urlsafe(48)
    page, state = _client(network, app, back).create_authorization_url(
        network.page, state=token_urlsafe(32), code_verifier=verifier, **network.also
    )
    return Started(page, state, verifier, app)


def _check(app: Mapping[str, str]) -> None:
    """Refuse what was copied with something beside it, which no header takes, before the person has signed in."""
    for name, key in app.items():
        if odd := re.search(r"[^\x21-\x7e]", key):
            raise SignInFailed(f"app.{name}: the character {odd[0]!a} can be in no key of an app; copy the key anew")


def code_in(answer: Mapping[str, str]) -> str:
    """The authorisation code that the browser brought back; raises SignInFailed where the person said no."""
    if "error" in answer:
        reason = answer.get("error_description") or answer["error"]
        raise SignInFailed(f"the network answered {reason!r}; nothing was connected")
    if "code" not in answer:
        raise SignInFailed("the browser came back without a code; start again")
    return answer["code"]


async def finish(
    http: httpx.AsyncClient,
    network: Network,
    settings: Mapping[str, Any],
    started: Started,
    *,
    code: str,
    back: str,
    now: datetime,
) -> Signed:
    """Settings and credentials of whoever has signed in; raises SignInFailed."""
    client = _client(network, started.app, back)
    tokens = await _redeemed(http, network, client, code=code, code_verifier=started.verifier)
    own = await _author(http, network, tokens) if network.me and "author" not in settings else {}
    return {**settings, **own}, _credentials(network, started.app, tokens, now)


def _client(network: Network, app: Mapping[str, str], back: str) -> OAuth2Client:
    return OAuth2Client(
        None,
        client_id=app["client_id"],
        client_secret=app.get("client_secret"),
        token_endpoint_auth_method=_method(network, app),
        scope=network.scope,
        redirect_uri=back,
        code_challenge_method="S256" if network.has_pkce else None,
    )


def _method(network: Network, app: Mapping[str, str]) -> str:
    """An app without a secret names itself in the form; Reddit wants an empty one in the header."""
    return network.names_client_by if app.get("client_secret") or not network.has_pkce else "none"


async def _registered(http: httpx.AsyncClient, network: Network, back: str) -> dict[str, str]:
    """An app of this sign-in's own at the person's server."""
    form = {"client_name": "Timeball", "redirect_uris": back, "scopes": network.scope}
    told = await _told(http, "POST", network.registers, data=form)
    if not told.get("client_id") or not told.get("client_secret"):
        raise SignInFailed(f"{network.registers} registered no app: is settings.server a Mastodon server?")
    return {name: str(told[name]) for name in ("client_id", "client_secret")}


async def _redeemed(
    http: httpx.AsyncClient, network: Network, client: OAuth2Client, *, code: str, code_verifier: str
) -> Mapping[str, Any]:
    proof = {"code_verifier": code_verifier} if network.has_pkce else {}
    body = prepare_token_request("authorization_code", redirect_uri=client.redirect_uri, code=code, **proof)
    auth = client.client_auth(client.token_endpoint_auth_method)
    url, headers, body = auth.prepare("POST", network.tokens, dict(DEFAULT_HEADERS), body)
    tokens = await _told(http, "POST", url, headers=headers, content=body)
    if not tokens.get(network.needed):
        raise SignInFailed(f"the network gave no {network.needed}; check what your app is allowed to do")
    return tokens


async def _author(http: httpx.AsyncClient, network: Network, tokens: Mapping[str, Any]) -> dict[str, str]:
    """LinkedIn's name for whoever has signed in."""
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    told = await _told(http, "GET", network.me, headers=headers)
    return {"author": f"urn:li:person:{told['sub']}"} if told.get("sub") else {}


async def _told(http: httpx.AsyncClient, method: str, url: str, **more: Any) -> Mapping[str, Any]:
    host = urlsplit(url).netloc
    try:
        response, body = await send_bounded(http, http.build_request(method, url, **more))
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        said = str(error) if isinstance(error, httpx.TransportError) else "nobody can call its address"
        raise SignInFailed(f"cannot reach {host}: {said}; check settings.server, or try again") from error
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignInFailed(f"{host} answered {response.status_code} with what is no JSON") from error
    if response.is_error or not isinstance(told, dict):
        described = told if isinstance(told, dict) else {}
        reason = described.get("error_description") or described.get("message") or described.get("error") or ""
        raise SignInFailed(f"{host} answered {response.status_code}: {reason}")
    return told


def _credentials(network: Network, app: Mapping[str, str], tokens: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What is kept; how long a token lasts becomes when it ends. The keys of the app are those that the person gave."""
    ends = {name: _end(tokens.get(told), now) for told, name in ENDS.items()}
    whole = {**tokens, **ends, **app}
    return {name: whole[name] for name in network.kept if whole.get(name) is not None}


def _end(seconds: object, now: datetime) -> str | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        return None
    return (now + timedelta(seconds=min(seconds, LONGEST_LIFE.total_seconds()))).isoformat()
