"""Mastodon, and the other servers that speak its API: Pleroma, Akkoma, GoToSocial, Pixelfed …

A server keeps the `Idempotency-Key` of a status for an hour, and answers a repeated one with the status that is there.
After that hour the account's statuses are looked through before anything is sent again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from http import HTTPStatus
from typing import Any

import httpx
from pydantic_core import from_json

from services.publisher.platforms.account_fields import bearer, require_credentials, server_of
from services.publisher.platforms.allowance import allowance_of
from services.publisher.platforms.base import Account, Limits, Platform, Post, Published, Ready
from services.publisher.platforms.errors import PlatformError, Rejected, Transient, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import exchange, json_object, objects_in, submitted, text_or_none
from services.publisher.platforms.mastodon.rules import PICTURES, VISIBILITIES, most_characters, rules_of
from services.publisher.platforms.mastodon.text import is_shown_as
from services.publisher.platforms.media import Picture, Pictures
from services.publisher.platforms.options import choice, flag, wrong
from shared.clock import Clock, SystemClock
from shared.events.rules import PostRules

OFFICIAL = "https://mastodon.social"
KEYS_KEPT_FOR = timedelta(hours=1)
CLOCKS_DIFFER_BY = timedelta(minutes=1)
POLL_EVERY = timedelta(seconds=0.5)
MOST_POLLS = 40
PAGE, MOST_PAGES = 40, 5
LONG_REPLY = 4 * 1024 * 1024
OPTIONS = ("language", "sensitive", "spoiler_text", "visibility")


@dataclass(frozen=True, slots=True)
class ReadyStatus:
    """A request that is complete."""

    client: httpx.AsyncClient
    request: httpx.Request

    async def send(self, now: datetime) -> Published:
        """Send it; the reply tells where the status is."""
        response, body = await submitted(self.client, self.request, now, judge, most_bytes=LONG_REPLY)
        published = published_as(json_object(body))
        if published is None:
            raise Unconfirmed("the reply tells no id", code="unreadable_reply")
        return Published(published.platform_post_id, published.url, allowance_of(response, now))


@dataclass(frozen=True)
class Mastodon(Platform):
    """The `mastodon` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    name: str = "mastodon"
    look_up_lag = timedelta(seconds=10)
    limits = Limits(account={"per_minute": 60})

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a server and a token."""
        server_of(account, OFFICIAL)
        require_credentials(account, "access_token")

    async def prepare(self, post: Post, account: Account) -> Ready:
        """Upload the pictures, wait until the server has made them ready, and build the request."""
        options = checked_options(post)
        pictures = await Pictures(self.client).fetch_all(post.media, PICTURES)
        media_ids = [await self._upload(picture, account) for picture in pictures]
        body = {"status": post.content, "media_ids": media_ids, **options}
        headers = {"idempotency-key": hashlib.sha256(post.key.encode()).hexdigest()}
        return ReadyStatus(self.client, self._request("POST", "/api/v1/statuses", account, json=body, headers=headers))

    async def rules(self, account: Account) -> PostRules:
        """What the account's server says that it accepts."""
        told: Mapping[str, Any] = {}
        for path in ("/api/v2/instance", "/api/v1/instance"):
            told = await self._instance(path, account) or told
            if most_characters(told):
                break
        return rules_of(told)

    def deduplicates_for(self, account: Account) -> timedelta:
        """As long as the server keeps the `Idempotency-Key`."""
        return KEYS_KEPT_FOR

    def answers_look_ups(self, account: Account) -> bool:
        """By the account's statuses."""
        return True

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The status that shows this post among those of the account since the post was due."""
        since, latest = post.publish_at - CLOCKS_DIFFER_BY, ""
        owner = await self._owner(account)
        for _ in range(MOST_PAGES):
            page = {"limit": str(PAGE), "exclude_reblogs": "true"} | ({"max_id": latest} if latest else {})
            statuses = _objects(await self._ask("GET", f"/api/v1/accounts/{owner}/statuses", account, params=page))
            if found := next((one for one in statuses if is_status_of(post, one, since)), None):
                require_distinct(post)
                return published_as(found)
            if not statuses or _created_at(statuses[-1]) < since:
                return None
            latest = str(statuses[-1].get("id"))
        raise Transient(f"not among the latest {PAGE * MOST_PAGES} statuses, and there are more", code="too_many")

    async def _instance(self, path: str, account: Account) -> Mapping[str, Any]:
        try:
            return json_object(await self._ask("GET", path, account))
        except PlatformError:
            return {}

    async def _owner(self, account: Account) -> str:
        told = json_object(await self._ask("GET", "/api/v1/accounts/verify_credentials", account))
        owner = text_or_none(told.get("id"))
        if owner is None:
            raise Transient("the server does not tell whose token this is", code="unreadable_reply")
        return owner

    async def _upload(self, picture: Picture, account: Account) -> str:
        response, body = await self._exchange(self._upload_request(picture, account))
        media_id = text_or_none(json_object(body).get("id"))
        if media_id is None:
            raise Unconfirmed("the reply to an upload tells no id", code="unreadable_reply")
        if response.status_code == HTTPStatus.ACCEPTED:
            await self._until_ready(media_id, account)
        return media_id

    def _upload_request(self, picture: Picture, account: Account) -> httpx.Request:
        file = {"file": (f"picture.{picture.mime.rpartition('/')[2]}", picture.data, picture.mime)}
        form = {"description": picture.alt} if picture.alt else {}
        return self._request("POST", "/api/v2/media", account, files=file, data=form)

    async def _until_ready(self, media_id: str, account: Account) -> None:
        """A status cannot show a picture that is still being worked on (206)."""
        for _ in range(MOST_POLLS):
            response, _body = await self._exchange(self._request("GET", f"/api/v1/media/{media_id}", account))
            if response.status_code == HTTPStatus.OK:
                return
            await self.clock.sleep_until(self.clock.now() + POLL_EVERY)
        raise Transient("the server is still working on a picture", code="media_not_ready")

    def _request(self, method: str, path: str, account: Account, **more: Any) -> httpx.Request:
        headers = bearer(account) | more.pop("headers", {})
        return self.client.build_request(method, server_of(account, OFFICIAL) + path, headers=headers, **more)

    async def _ask(self, method: str, path: str, account: Account, **more: Any) -> bytes:
        _, body = await self._exchange(self._request(method, path, account, **more))
        return body

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        return await exchange(self.client, request, self.clock.now(), judge, most_bytes=LONG_REPLY)


def judge(response: httpx.Response, body: bytes, _now: datetime) -> None:
    """Raise what these servers mean by a status: a token may be good, and yet not for this."""
    told = str(json_object(body).get("error") or f"HTTP {response.status_code}")
    if response.status_code == HTTPStatus.FORBIDDEN:
        raise Unauthorized(told, code=str(response.status_code))
    if response.status_code == HTTPStatus.CONFLICT:
        raise Unconfirmed(f"the same status is still being worked on: {told}", code=str(response.status_code))


def checked_options(post: Post) -> dict[str, Any]:
    """The options as the server takes them, or Rejected saying which one cannot work."""
    given = {name: value for name, value in post.options.items() if value not in (None, "")}
    if unknown := sorted(set(given) - set(OPTIONS)):
        raise Rejected(f"options.{unknown[0]}: is not known; there are {', '.join(OPTIONS)}", code="invalid_options")
    post = replace(post, options=given)
    choice(post, "visibility", VISIBILITIES)
    for name in ("spoiler_text", "language"):
        if not isinstance(given.get(name, ""), str):
            raise wrong(name, given[name], "a text")
    return given if flag(post, "sensitive") is None else {**given, "sensitive": flag(post, "sensitive")}


def published_as(status: Mapping[str, Any]) -> Published | None:
    """Where a status is; None where it has no id. Some servers give no `url`, but all have its `uri`."""
    status_id = text_or_none(status.get("id"))
    url = text_or_none(status.get("url")) or text_or_none(status.get("uri"))
    return Published(status_id, url) if status_id else None


def is_status_of(post: Post, status: Mapping[str, Any], since: datetime) -> bool:
    """Whether this is the post, as far as its time, its texts, its pictures and its visibility tell."""
    return (
        _created_at(status) >= since
        and _has_texts_of(post, status)
        and _has_pictures_of(post, status)
        and _has_visibility_of(post, status)
    )


def require_distinct(post: Post) -> None:
    """Raise Rejected where a post has no words by which its status could be told from another one."""
    if not (_warning_of(post) + post.content).strip() and not any(item.get("alt") for item in post.media):
        raise Rejected("a status without any text or description may be another post's", code="cannot_tell")


def _has_texts_of(post: Post, status: Mapping[str, Any]) -> bool:
    """Mastodon makes the warning the text where there is no other."""
    warning, html = str(status.get("spoiler_text") or ""), str(status.get("content") or "")
    return is_shown_as(f"{_warning_of(post)}\n{post.content}", f"{escape(warning)}\n{html}")


def _has_pictures_of(post: Post, status: Mapping[str, Any]) -> bool:
    """Where a post describes none of its pictures, a server may describe them in its own words."""
    shown = objects_in(status.get("media_attachments"))
    wanted = [" ".join(str(item.get("alt") or "").split()) for item in post.media]
    told = [" ".join(str(one.get("description") or "").split()) for one in shown]
    return len(wanted) == len(told) and all(not one or one == other for one, other in zip(wanted, told, strict=True))


def _has_visibility_of(post: Post, status: Mapping[str, Any]) -> bool:
    """What an account that moderators have limited posts to the public becomes unlisted."""
    wanted, told = post.options.get("visibility"), status.get("visibility")
    return not wanted or told == wanted or (wanted, told) == ("public", "unlisted")


def _warning_of(post: Post) -> str:
    return str(post.options.get("spoiler_text") or "")


def _created_at(status: Mapping[str, Any]) -> datetime:
    try:
        created_at = datetime.fromisoformat(str(status.get("created_at")))
    except ValueError as error:
        raise Transient("a status does not tell when it was made", code="unreadable_reply") from error
    return created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC)


def _objects(body: bytes) -> Sequence[Mapping[str, Any]]:
    """A list of objects, or Transient where the reply is none: what was not read is not known to be missing."""
    try:
        listed = from_json(body)
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise Transient("the reply is no list of statuses", code="unreadable_reply")
    return listed
