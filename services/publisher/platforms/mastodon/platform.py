"""Mastodon, and the other servers that speak its API: Pleroma, Akkoma, GoToSocial, Pixelfed …

A server keeps the `Idempotency-Key` of a status for an hour, and answers a repeated one with the status that is there.
After that hour the account's statuses are looked through before anything is sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx

from services.publisher.media.picture import Picture
from services.publisher.platforms.account_fields import bearer, require_credentials, server_of
from services.publisher.platforms.base import Account, Limits, Platform, Post, Published
from services.publisher.platforms.bodies import FormFile, form_of, request_with
from services.publisher.platforms.errors import PlatformError, Rejected, Unavailable
from services.publisher.platforms.exchange import blaming, exchange, needed
from services.publisher.platforms.mastodon.options import OPTIONS
from services.publisher.platforms.mastodon.post import is_distinct, published_in, seen_as, statuses_in
from services.publisher.platforms.mastodon.replies import DIALECT, is_repeated, needs_another_key, not_there
from services.publisher.platforms.mastodon.rules import PICTURES, most_characters, pictures_of, rules_of
from services.publisher.platforms.pictures import fetch_pictures
from services.publisher.platforms.ready import ReadyOnce, ReadyRequest
from services.publisher.platforms.recognition import Seen, reaches_back, recognised, since
from services.publisher.platforms.reply import Reply
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import PostRules

OFFICIAL = "https://mastodon.social"
ASKS_AFTER = timedelta(hours=1)
KEYS_KEPT_FOR = timedelta(hours=1)
GETS_THERE_IN = timedelta(minutes=1)
POLLS_AFTER = tuple(timedelta(seconds=one) for one in (0, 0.5, 0.5, 1, 1, 2, 2, 3, 3, 3, 4))
"""Pauses before each question whether a picture is ready: few, for they count as requests, and 20 s in all."""
MOST_UNFINISHED = 1000
PAGE, MOST_PAGES = 40, 5


@dataclass(frozen=True)
class Mastodon(Platform):
    """The `mastodon` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    instances: dict[str, tuple[datetime, Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    """What servers have said of themselves, and when."""
    unfinished: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)
    """Uploads that servers work on: where that takes long, the next attempt at their post goes on waiting for them."""
    name = "mastodon"
    limits = Limits(account={"per_minute": 60})
    look_up_lag = timedelta(seconds=10)

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a server and a token."""
        server_of(account, OFFICIAL)
        require_credentials(account, "access_token")

    async def verify(self, account: Account) -> None:
        """Ask whose token it is."""
        with blaming("credentials.access_token"):
            owner_in(await self._me(account))

    async def prepare(self, post: Post, account: Account) -> ReadyOnce:
        """Upload the pictures, wait until the server has made them ready, and build the request."""
        post = OPTIONS.checked(post)
        limits = pictures_of(await self._instance_of(account)) if post.media else PICTURES
        pictures = await fetch_pictures(self.client, post.media, limits)
        media_ids = await self._uploaded(post, pictures, account)
        hidden = {"sensitive": True} if "spoiler_text" in post.options else {}  # Pixelfed drops the warning without it
        body = {"status": post.content, "media_ids": media_ids, **hidden, **post.options}

        def under(key: str) -> ReadyRequest:
            request = self._request("POST", "/api/v1/statuses", account, json=body, headers={"idempotency-key": key})
            return ReadyRequest(self.client, request, DIALECT, published_in)

        def afresh(error: PlatformError) -> ReadyRequest | None:
            return under(uuid4().hex) if needs_another_key(error) else None

        once, look_up = under(post.key_digest), partial(self.look_up, post, account)
        return ReadyOnce(once, is_repeated, look_up, not_there, afresh)

    async def rules(self, account: Account) -> PostRules:
        """What the account's server says that it accepts."""
        self.instances.pop(server_of(account, OFFICIAL), None)
        return rules_of(await self._instance_of(account))

    def deduplicates_for(self, account: Account) -> timedelta:
        """As long as the server keeps the `Idempotency-Key`, less what a request may take to get there."""
        return KEYS_KEPT_FOR - GETS_THERE_IN

    def answers_look_ups(self, account: Account) -> bool:
        """By the account's statuses."""
        return True

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The status that shows this post among those of the account since the post was due."""
        post, me = OPTIONS.checked(post), await self._me(account)
        owner, begin, seen, is_all = owner_in(me), since(post, me), list[Seen](), False
        for _ in range(MOST_PAGES):
            page = await self._page(owner, account, before=seen[-1].published.platform_post_id if seen else None)
            seen += [seen_as(status, post) for status in page]
            is_all = not page
            if is_all or reaches_back(seen, begin):
                break
        return recognised(seen, begin, is_all=is_all, is_distinct=is_distinct(post))

    async def _page(self, owner: str, account: Account, *, before: str | None) -> Sequence[Mapping[str, Any]]:
        """The newest statuses, or the newest of those before this one; a server may give fewer than it is asked for."""
        page = {"limit": str(PAGE), "exclude_reblogs": "true"} | ({"max_id": before} if before else {})
        return statuses_in(await self._get(f"/api/v1/accounts/{owner}/statuses", account, params=page))

    async def _instance_of(self, account: Account) -> Mapping[str, Any]:
        """What the account's server says of itself, asked once an hour; nothing where it does not answer."""
        server, now = server_of(account, OFFICIAL), self.clock.now()
        if server in self.instances and now - self.instances[server][0] < ASKS_AFTER:
            return self.instances[server][1]
        told: Mapping[str, Any] = {}
        for path in ("/api/v2/instance", "/api/v1/instance"):
            told = await self._instance(path, account) or told
            if most_characters(told):
                self.instances[server] = now, told
                break
        return told

    async def _instance(self, path: str, account: Account) -> Mapping[str, Any]:
        try:
            return (await self._get(path, account)).json
        except PlatformError:
            return {}

    async def _me(self, account: Account) -> Reply:
        return await self._get("/api/v1/accounts/verify_credentials", account)

    async def _uploaded(self, post: Post, pictures: Sequence[Picture], account: Account) -> list[str]:
        """The pictures' ids, once the server is ready with all of them."""
        place = server_of(account, OFFICIAL), bearer(account)["authorization"], post.key
        uploads = [(*place, str(index), one.file.digest, one.alt) for index, one in enumerate(pictures)]
        ids = [await self._ready(upload, one, account) for upload, one in zip(uploads, pictures, strict=True)]
        for upload in uploads:
            self.unfinished.pop(upload, None)
        return ids

    async def _ready(self, upload: tuple[str, ...], picture: Picture, account: Account) -> str:
        """The picture's id, once the server is ready with it: of an upload before, where it still knows that."""
        media_id = self.unfinished.get(upload)
        if media_id is None or not await self._is_there(media_id, account):
            media_id, is_ready = await self._upload(picture, account)
            if is_ready:
                return media_id
            self._note(upload, media_id)
        await self._until_ready(media_id, account)
        return media_id

    def _note(self, upload: tuple[str, ...], media_id: str) -> None:
        """Of many posts that never came again the first are forgotten."""
        self.unfinished[upload] = media_id
        if len(self.unfinished) > MOST_UNFINISHED:
            del self.unfinished[next(iter(self.unfinished))]

    async def _upload(self, picture: Picture, account: Account) -> tuple[str, bool]:
        """The picture's id, and whether the server is ready with it."""
        reply = await self._exchange(self._upload_request(picture, account))
        media_id = needed(reply.json.get("id"), "to an upload tells no id")
        return media_id, reply.status != HTTPStatus.ACCEPTED

    async def _is_there(self, media_id: str, account: Account) -> bool:
        """Whether the server still knows an upload, and could make something of it."""
        try:
            await self._get(f"/api/v1/media/{media_id}", account)
        except Rejected:
            return False
        return True

    def _upload_request(self, picture: Picture, account: Account) -> httpx.Request:
        fields = {"description": picture.alt} if picture.alt else {}
        form = form_of(fields, [FormFile("file", f"picture.{picture.ending}", picture)])
        url = f"{server_of(account, OFFICIAL)}/api/v2/media"
        return request_with(self.client, "POST", url, form, _headers(account))

    async def _until_ready(self, media_id: str, account: Account) -> None:
        """A status cannot show a picture that is still being worked on (206)."""
        for pause in POLLS_AFTER:
            await self.clock.sleep(pause)
            if (await self._get(f"/api/v1/media/{media_id}", account)).status == HTTPStatus.OK:
                return
        raise Unavailable("the server is still working on a picture", code="media_not_ready")

    def _request(self, method: str, path: str, account: Account, **more: Any) -> httpx.Request:
        headers = _headers(account) | more.pop("headers", {})
        return self.client.build_request(method, server_of(account, OFFICIAL) + path, headers=headers, **more)

    async def _get(self, path: str, account: Account, **more: Any) -> Reply:
        return await self._exchange(self._request("GET", path, account, **more))

    async def _exchange(self, request: httpx.Request) -> Reply:
        return await exchange(self.client, request, self.clock.now(), DIALECT)


def owner_in(me: Reply) -> str:
    """Whose token it is."""
    return needed(me.json.get("id"), "does not tell whose token this is")


def _headers(account: Account) -> dict[str, str]:
    return bearer(account) | {"accept": "application/json"}
