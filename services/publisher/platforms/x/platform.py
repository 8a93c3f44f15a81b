"""X: posts with up to four pictures.

Nothing deduplicates by key, though X refuses the same text again for a while: a post whose reply was lost, or that is
refused as a duplicate, is looked for among the account's own posts.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import httpx

from services.publisher.media.limits import READABLE_TYPES, PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.platforms.account_fields import (
    allow_credential,
    bearer,
    instant_of,
    require_credentials,
    server_of,
)
from services.publisher.platforms.base import Account, Limits, Platform, Post, Published, Renewed
from services.publisher.platforms.bodies import Base64, Body, request_with
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.exchange import blaming, exchange, needed, unreadable
from services.publisher.platforms.oauth import refreshed
from services.publisher.platforms.pictures import fetch_pictures
from services.publisher.platforms.ready import ReadyOnce, ReadyRequest
from services.publisher.platforms.recognition import recognised, since, words_of
from services.publisher.platforms.reply import Reply, object_or_empty, objects_in
from services.publisher.platforms.x.options import OPTIONS
from services.publisher.platforms.x.post import published_in, seen_as
from services.publisher.platforms.x.replies import DIALECT, identity_in, is_duplicate
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import MediaRule, PostRules, TextRule

API = "https://api.x.com"
LIMITS = Limits(account={"per_minute": 100})
MOST_WEIGHT = 280
MOST_PICTURES = 4
MOST_ALT = 1000
PICTURES = PictureLimits(most_bytes=5 * 1024 * 1024, types=("image/jpeg", "image/png", "image/webp"), most_side=8192)
FIELDS = "created_at,entities,note_tweet"


@dataclass(frozen=True)
class X(Platform):
    """The `x` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    name = "x"
    limits = LIMITS
    look_up_lag = timedelta(seconds=30)
    handles = ("username",)

    def check(self, account: Account) -> None:
        """Raise Rejected unless there are the app's id and the account's two tokens."""
        server_of(account, API)
        _most_weight(account)
        require_credentials(account, "client_id", "access_token", "refresh_token")
        allow_credential(account, "client_secret")
        instant_of(account, "expires_at")

    async def verify(self, account: Account) -> None:
        """Ask whose token it is."""
        with blaming("credentials.access_token"):
            name_in(await self._me(account))

    async def prepare(self, post: Post, account: Account) -> ReadyOnce:
        """Upload the pictures and build the post."""
        post = OPTIONS.checked(post)
        tweet = tweet_of(post)
        if post.media:
            pictures = await fetch_pictures(self.client, post.media, PICTURES)
            tweet["media"] = {"media_ids": [await self._upload(picture, account) for picture in pictures]}
        request = self._request("POST", "/2/tweets", account, json=tweet)
        once = ReadyRequest(self.client, request, DIALECT, partial(published_in, account=account))
        return ReadyOnce(once, is_duplicate, partial(self.look_up, post, account))

    async def rules(self, account: Account) -> PostRules:
        """280 weighted characters, unless the account may write longer posts."""
        return PostRules(
            text=TextRule(most=_most_weight(account), counted_in="weighted"),
            media=MediaRule(most=MOST_PICTURES, types=READABLE_TYPES, alt=TextRule(most=MOST_ALT)),
            needs_one_of=("content", "media"),
            options=OPTIONS.rules,
            other_options=False,
        )

    def answers_look_ups(self, account: Account) -> bool:
        """From the account's own posts."""
        return True

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The oldest of the account's posts since this one was due that has its text."""
        post = OPTIONS.checked(post)
        me = await self._me(account)
        begin = since(post, me)
        query = {"start_time": begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "max_results": "100", "tweet.fields": FIELDS}
        told = (await self._ask("GET", f"/2/users/{name_in(me)}/tweets", account, params=query)).json
        listed = told.get("data", [] if "meta" in told else None)
        tweets = objects_in(listed)
        if not isinstance(listed, list) or len(tweets) < len(listed):
            raise unreadable("is no list of posts")
        seen = [seen_as(tweet, post, account) for tweet in tweets]
        is_all = "next_token" not in object_or_empty(told.get("meta"))
        return recognised(seen, begin, is_all=is_all, is_distinct=bool(words_of(post.content)))

    def app_of(self, account: Account) -> str | None:
        """X counts requests per app as well."""
        return str(account.credentials.get("client_id"))

    def can_refresh(self, account: Account) -> bool:
        """Access tokens last two hours; every refresh token is good for one refresh."""
        return True

    def token_expires_at(self, account: Account) -> datetime | None:
        """As the credentials say, if they do."""
        return instant_of(account, "expires_at")

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """A new pair of tokens."""
        url = f"{server_of(account, API)}/2/oauth2/token"
        by: Literal["basic", "form"] = "basic" if account.credentials.get("client_secret") else "form"
        return await refreshed(self.client, url, account, now, names_client_by=by)

    async def _me(self, account: Account) -> Reply:
        return await self._ask("GET", "/2/users/me", account)

    async def _upload(self, picture: Picture, account: Account) -> str:
        url = f"{server_of(account, API)}/2/media/upload"
        request = request_with(self.client, "POST", url, upload_of(picture), bearer(account))
        reply = await exchange(self.client, request, self.clock.now(), DIALECT)
        identity = needed(identity_in(reply), "to an upload names no picture")
        if picture.alt:
            described = {"id": identity, "metadata": {"alt_text": {"text": picture.alt[:MOST_ALT]}}}
            await self._ask("POST", "/2/media/metadata", account, json=described)
        return identity

    async def _ask(self, method: str, path: str, account: Account, **more: Any) -> Reply:
        return await exchange(self.client, self._request(method, path, account, **more), self.clock.now(), DIALECT)

    def _request(self, method: str, path: str, account: Account, **more: Any) -> httpx.Request:
        return self.client.build_request(method, server_of(account, API) + path, headers=bearer(account), **more)


def name_in(me: Reply) -> str:
    """The id of the account that a reply is about."""
    return needed(identity_in(me), "names no account")


def upload_of(picture: Picture) -> Body:
    """A picture as X takes it: in a JSON text."""
    head = f'{{"media_category":"tweet_image","media_type":"{picture.mime}","media":"'
    return Body([head.encode(), Base64(picture.file), b'"}'], "application/json")


def tweet_of(post: Post) -> dict[str, Any]:
    """The post as X takes it."""
    tweet: dict[str, Any] = {"text": post.content}
    if reply_settings := post.options.get("reply_settings"):
        tweet["reply_settings"] = reply_settings
    if answered := post.options.get("in_reply_to_tweet_id"):
        tweet["reply"] = {"in_reply_to_tweet_id": str(answered)}
    if quoted := post.options.get("quote_tweet_id"):
        tweet["quote_tweet_id"] = str(quoted)
    return tweet


def _most_weight(account: Account) -> int:
    given = account.settings.get("max_length", MOST_WEIGHT)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise Rejected(f"settings.max_length: {given!r} is no number of characters", code="invalid_settings")
    return given
