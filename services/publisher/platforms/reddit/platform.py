"""Reddit: texts, links, pictures and galleries in a subreddit.

Nothing deduplicates, so a post whose reply was lost is looked for among the account's latest submissions, and so is a
picture's, which no reply names. Errors come in a reply with status 200, a wait even in the words of its message.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version

import httpx

from services.publisher.platforms.account_fields import (
    LONG_AGO,
    allow_credential,
    bearer,
    instant_of,
    invalid_credential,
    require_credentials,
    server_of,
)
from services.publisher.platforms.base import Account, Limits, Platform, Post, Published, Renewed
from services.publisher.platforms.errors import PlatformError, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import blaming, exchange, needed, unreadable
from services.publisher.platforms.oauth import refreshed
from services.publisher.platforms.ready import ReadyOnce, ReadyRequest
from services.publisher.platforms.recognition import recognised, since
from services.publisher.platforms.reddit.options import OPTIONS
from services.publisher.platforms.reddit.pictures import (
    MOST_CAPTION,
    MOST_PICTURES,
    PICTURES,
    Uploaded,
    Uploads,
    gallery_of,
)
from services.publisher.platforms.reddit.post import (
    GALLERY,
    IMAGE,
    WEB,
    kind_and_url,
    published_in,
    seen_as,
    submission_of,
    subreddit_of,
)
from services.publisher.platforms.reddit.replies import DIALECT, is_submitted_before
from services.publisher.platforms.reply import Reply, object_or_empty, objects_in
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import MediaRule, PostRules, TextRule

API = "https://oauth.reddit.com"
LIMITS = Limits(app={"per_minute": 100})
MOST_TEXT = 40_000
LOOKS_AFTER = (timedelta(seconds=1), timedelta(seconds=1), timedelta(seconds=2))
"""How long to wait before each look for a picture's submission: together well below what a send may take."""


@dataclass(frozen=True, slots=True)
class ReadyPicture:
    """A submission of a picture, which Reddit makes only once it has worked on the picture."""

    once: ReadyOnce
    looks_after: Sequence[timedelta]

    async def send(self, now: datetime) -> Published:
        """Submit it, and find it once it has appeared."""
        published = await self.once.send(now)
        if published.platform_post_id is None:
            return replace(await self._appeared(), allowance=published.allowance)
        return published

    async def _appeared(self) -> Published:
        for pause in self.looks_after:
            await asyncio.sleep(pause.total_seconds())
            try:
                found = await self.once.look_up()
            except PlatformError as error:
                reason = f"Reddit took the picture, but does not tell its post: {error.detail.message}"
                raise Unconfirmed(reason, code=error.detail.code) from error
            if found:
                return found
        raise not_there_yet()


@dataclass(frozen=True)
class Reddit(Platform):
    """The `reddit` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    looks_after: tuple[timedelta, ...] = LOOKS_AFTER
    name = "reddit"
    limits = LIMITS
    look_up_lag = timedelta(seconds=30)

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a subreddit, and the app's keys with a refresh token."""
        subreddit_of(account)
        server_of(account, API)
        require_credentials(account, "client_id", "refresh_token")
        if not isinstance(account.credentials.get("client_secret"), str):
            raise invalid_credential("client_secret", "a text is needed, an empty one for an installed app")
        allow_credential(account, "client_secret")
        instant_of(account, "expires_at")

    async def verify(self, account: Account) -> None:
        """Ask whose token it is; where there is none yet, get one."""
        with blaming("credentials.client_id, credentials.client_secret, credentials.refresh_token"):
            if not account.credentials.get("access_token"):
                renewed = await self.refresh(account, self.clock.now())
                account = replace(account, credentials={**account.credentials, **renewed.credentials})
            me = await self._get("/api/v1/me", account)
            name_in(me)
            if me.json.get("is_suspended") is True:
                raise Unauthorized("Reddit has suspended the account", code="suspended")

    async def prepare(self, post: Post, account: Account) -> ReadyOnce | ReadyPicture:
        """Upload the pictures and build the submission."""
        post = OPTIONS.checked(post)
        form = submission_of(post, account)
        shown = await self._upload(post, account) if form["kind"] in (IMAGE, GALLERY) else []
        request, is_picture = self._submission(form, shown, account), form["kind"] == IMAGE
        ready = ReadyRequest(self.client, request, DIALECT, partial(published_in, is_picture=is_picture))
        once = ReadyOnce(ready, is_submitted_before, partial(self.find, post, account))
        return ReadyPicture(once, self.looks_after) if is_picture else once

    async def rules(self, account: Account) -> PostRules:
        """What holds in every subreddit; many have rules of their own."""
        alt = TextRule(most=MOST_CAPTION)
        return PostRules(
            text=TextRule(most=MOST_TEXT),
            needs_text=True,
            media=MediaRule(most=MOST_PICTURES, most_bytes=PICTURES.most_bytes, alt=alt, alt_from=2),
            options=OPTIONS.rules,
            other_options=False,
        )

    def answers_look_ups(self, account: Account) -> bool:
        """From the account's own submissions."""
        return True

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """Its submission. That a picture's is not to be seen does not mean that it will not be: Unconfirmed then."""
        post = OPTIONS.checked(post)
        found = await self.find(post, account)
        if found is None and kind_and_url(post)[0] == IMAGE:
            raise not_there_yet()
        return found

    async def find(self, post: Post, account: Account) -> Published | None:
        """The oldest of the account's submissions since the post was due that is like it."""
        wanted = submission_of(post, account)
        me = await self._get("/api/v1/me", account)
        query = {"sort": "new", "limit": "100", "raw_json": "1"}
        listing = (await self._get(f"/user/{name_in(me)}/submitted", account, **query)).json
        data = object_or_empty(listing.get("data"))
        listed, things = data.get("children"), objects_in(data.get("children"))
        if listing.get("kind") != "Listing" or not isinstance(listed, list) or len(things) < len(listed):
            raise unreadable("is no list of submissions")
        seen = [seen_as(object_or_empty(one.get("data")), wanted) for one in things]
        return recognised(seen, since(post, me), is_all=data.get("after") is None)

    def app_of(self, account: Account) -> str | None:
        """Reddit counts requests per client id."""
        return str(account.credentials.get("client_id"))

    def can_refresh(self, account: Account) -> bool:
        """Access tokens last an hour, refresh tokens until they are revoked."""
        return True

    def token_expires_at(self, account: Account) -> datetime | None:
        """At once where there is only the refresh token."""
        return instant_of(account, "expires_at") if account.credentials.get("access_token") else LONG_AGO

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """A new access token, and a new refresh token where Reddit gives one."""
        url = f"{server_of(account, WEB)}/api/v1/access_token"
        headers = {"user-agent": user_agent(account)}
        return await refreshed(self.client, url, account, now, names_client_by="basic", headers=headers)

    async def _upload(self, post: Post, account: Account) -> list[Uploaded]:
        api, is_own = server_of(account, API), bool(account.settings.get("server"))
        return await Uploads(self.client, self.clock, api, _headers(account), takes_http=is_own).upload_all(post.media)

    def _submission(self, form: Mapping[str, str], shown: Sequence[Uploaded], account: Account) -> httpx.Request:
        api, headers = server_of(account, API), _headers(account)
        if form["kind"] == GALLERY:
            url = f"{api}/api/submit_gallery_post.json"
            return self.client.build_request("POST", url, json=gallery_of(form, shown), headers=headers)
        data = dict(form, url=shown[0].url) if shown else dict(form)
        return self.client.build_request("POST", f"{api}/api/submit", data=data, headers=headers)

    async def _get(self, path: str, account: Account, **query: str) -> Reply:
        url = server_of(account, API) + path
        request = self.client.build_request("GET", url, params=query, headers=_headers(account))
        return await exchange(self.client, request, self.clock.now(), DIALECT)


def name_in(me: Reply) -> str:
    """The name of the account that a reply is about: what somebody named None has submitted proves nothing."""
    return needed(me.json.get("name"), "names no account")


def not_there_yet() -> Unconfirmed:
    """Reddit may still work on a picture that it took: sent again, it would be there twice."""
    return Unconfirmed("the picture's post is not to be seen; Reddit may still work on it", code="not_there_yet")


def user_agent(account: Account) -> str:
    """What Reddit demands: a name that tells one client from another."""
    return f"server:timeball.{account.credentials.get('client_id')}:v{version('timeball')} (scheduled publishing)"


def _headers(account: Account) -> dict[str, str]:
    return bearer(account) | {"user-agent": user_agent(account)}
