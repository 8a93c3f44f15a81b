"""LinkedIn: posts of a member or an organisation, with pictures or a link.

LinkedIn knows no key that tells a repeated request, and members' apps may not read their posts: a post whose reply was
lost is left to a person.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx

from services.publisher.media.limits import PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.platforms.account_fields import (
    bearer,
    instant_of,
    invalid_setting,
    is_web_url,
    require_credentials,
    server_of,
)
from services.publisher.platforms.base import Account, Limits, Platform, Post, Published, Renewed
from services.publisher.platforms.bodies import body_of, request_with
from services.publisher.platforms.errors import Rejected, Unauthorized
from services.publisher.platforms.exchange import blaming, exchange, unreadable
from services.publisher.platforms.linkedin.options import MOST_TITLE, OPTIONS, VISIBILITIES
from services.publisher.platforms.linkedin.replies import AUTHORITY, DIALECT, STORE, problem_with_token
from services.publisher.platforms.linkedin.text import little_text
from services.publisher.platforms.oauth import refreshed, secrets_of
from services.publisher.platforms.options import refused
from services.publisher.platforms.pictures import fetch_pictures
from services.publisher.platforms.ready import ReadyRequest
from services.publisher.platforms.reply import Reply, object_or_empty, text_or_none
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import MediaRule, PostRules, TextRule

API, WEB = "https://api.linkedin.com", "https://www.linkedin.com"
VERSION = "202608"
"""LinkedIn serves a version for a year; `settings.api_version` names another."""
LIMITS = Limits(account={"per_day": 150})
MOST_TEXT = 3000
MOST_PICTURES = 20
MOST_ALT = 4086
TYPES = ("image/jpeg", "image/png", "image/gif")
PICTURES = PictureLimits(most_bytes=8 * 1024 * 1024, types=TYPES, most_side=6000, moving=("image/gif",))
_AUTHOR = re.compile(r"urn:li:(person|organization|organizationBrand):[\w-]+", re.ASCII)
_VERSION = re.compile(r"20\d{4}")


@dataclass(frozen=True)
class LinkedIn(Platform):
    """The `linkedin` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    name = "linkedin"
    limits = LIMITS

    def check(self, account: Account) -> None:
        """Raise Rejected unless there are an author, the app's keys and a token."""
        server_of(account, API)
        author_of(account)
        _version(account)
        require_credentials(account, "client_id", "client_secret", "access_token")
        instant_of(account, "expires_at")
        instant_of(account, "refresh_expires_at")

    async def verify(self, account: Account) -> None:
        """Have LinkedIn say what the token may do, which needs no scope, but the app's keys."""
        given = account.credentials
        form = {name: given[name] for name in ("client_id", "client_secret")} | {"token": given["access_token"]}
        url = f"{server_of(account, WEB)}/oauth/v2/introspectToken"
        with blaming("credentials.client_id, credentials.client_secret"):
            request = self.client.build_request("POST", url, data=form)
            dialect = replace(AUTHORITY, secrets=secrets_of(account))
            reply = await exchange(self.client, request, self.clock.now(), dialect)
        if wrong := problem_with_token(reply.json, author_of(account)):
            raise Unauthorized(f"credentials.access_token: {wrong}", code="token_refused")

    async def prepare(self, post: Post, account: Account) -> ReadyRequest:
        """Upload the pictures and build the post."""
        post = OPTIONS.checked(post)
        share = share_of(post, account)
        fetched = await fetch_pictures(self.client, post.media, PICTURES)
        uploaded = [await self._upload(picture, account) for picture in fetched]
        if len(uploaded) == 1:
            share["content"] = {"media": uploaded[0]}
        elif uploaded:
            share["content"] = {"multiImage": {"images": uploaded}}
        return ReadyRequest(self.client, self._request("/rest/posts", account, share), DIALECT, published_in)

    async def rules(self, account: Account) -> PostRules:
        """What LinkedIn says of posts."""
        return PostRules(
            text=TextRule(most=MOST_TEXT),
            media=MediaRule(most=MOST_PICTURES, alt=TextRule(most=MOST_ALT)),
            options=OPTIONS.rules,
            other_options=False,
        )

    def app_of(self, account: Account) -> str | None:
        """LinkedIn counts requests per app as well."""
        return str(account.credentials.get("client_id"))

    def can_refresh(self, account: Account) -> bool:
        """Only apps that LinkedIn trusts with it get refresh tokens."""
        return bool(account.credentials.get("refresh_token"))

    def token_expires_at(self, account: Account) -> datetime | None:
        """As the credentials say, if they do: sixty days after a person has signed in."""
        return instant_of(account, "expires_at")

    def refresh_expires_at(self, account: Account) -> datetime | None:
        """As the credentials say, if they do: a year after a person has signed in, whatever is refreshed meanwhile."""
        return instant_of(account, "refresh_expires_at")

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """A new access token; the refresh token ends when it would have ended."""
        url = f"{server_of(account, WEB)}/oauth/v2/accessToken"
        return await refreshed(self.client, url, account, now, names_client_by="form")

    async def _upload(self, picture: Picture, account: Account) -> dict[str, str]:
        begun = {"initializeUploadRequest": {"owner": author_of(account)}}
        request = self._request("/rest/images?action=initializeUpload", account, begun)
        told = object_or_empty((await exchange(self.client, request, self.clock.now(), DIALECT)).json.get("value"))
        urn, url = told.get("image"), told.get("uploadUrl")
        if not isinstance(urn, str) or not is_web_url(url):
            raise unreadable("to an upload names no picture")
        request = request_with(self.client, "PUT", str(url), body_of(picture), bearer(account))
        await exchange(self.client, request, self.clock.now(), STORE)
        return {"id": urn} | ({"altText": picture.alt[:MOST_ALT]} if picture.alt else {})

    def _request(self, path: str, account: Account, body: Mapping[str, Any]) -> httpx.Request:
        headers = {"linkedin-version": _version(account), "x-restli-protocol-version": "2.0.0"}
        url = server_of(account, API) + path
        return self.client.build_request("POST", url, json=body, headers=bearer(account) | headers)


def published_in(reply: Reply) -> Published | None:
    """Where the post is, by the header that names it."""
    urn = text_or_none(reply.headers.get("x-restli-id"))
    return Published(urn, f"{WEB}/feed/update/{urn}") if urn else None


def share_of(post: Post, account: Account) -> dict[str, Any]:
    """The post as LinkedIn takes it, without its pictures; Rejected where its link cannot be shown."""
    share: dict[str, Any] = {
        "author": author_of(account),
        "commentary": little_text(post.content),
        "visibility": post.options.get("visibility", VISIBILITIES[0]),
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    if "url" in post.options:
        share["content"] = {"article": _article(post)}
    return share


def _article(post: Post) -> dict[str, str]:
    """A link with its preview, of which LinkedIn fetches nothing by itself."""
    if post.media:
        raise refused("url", "a post shows either pictures or a link")
    if "title" not in post.options:
        raise refused("title", f"a link needs one of 1 to {MOST_TITLE} characters")
    described = {name: post.options[name] for name in ("title", "description") if name in post.options}
    return {"source": post.options["url"], **described}


def author_of(account: Account) -> str:
    """The URN of who posts, or Rejected."""
    given = account.settings.get("author")
    if not isinstance(given, str) or not _AUTHOR.fullmatch(given):
        raise invalid_setting(account, "author", "write a URN: urn:li:person:… or urn:li:organization:…")
    return given


def _version(account: Account) -> str:
    given = str(account.settings.get("api_version", VERSION))
    if not _VERSION.fullmatch(given):
        raise Rejected(
            f"settings.api_version: {given!r} is no year and month such as {VERSION}", code="invalid_settings"
        )
    return given
