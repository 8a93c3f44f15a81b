"""Reddit: texts, links, pictures and galleries in a subreddit.

Nothing deduplicates, so a post whose reply was lost is looked for among the account's latest submissions, and so is a
picture's, which no reply names. Errors come in a reply with status 200, a wait even in the words of its message.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import httpx

from services.publisher.platforms.account_fields import (
    LONG_AGO,
    bearer,
    instant_of,
    require_credentials,
    require_instants,
    server_of,
)
from services.publisher.platforms.allowance import LONGEST_WAIT, allowance_of, retry_after_of
from services.publisher.platforms.base import Account, Limits, Platform, Post, Published, Renewed
from services.publisher.platforms.errors import PlatformError, RateLimited, Rejected, Transient, Unconfirmed
from services.publisher.platforms.exchange import (
    USUAL_WAIT,
    asked,
    json_object,
    object_or_empty,
    submitted,
    text_or_none,
    there_already,
)
from services.publisher.platforms.oauth import refreshed, token_request
from services.publisher.platforms.options import TRUE_OR_FALSE
from services.publisher.platforms.reddit.pictures import (
    MOST_CAPTION,
    MOST_PICTURES,
    PICTURES,
    Uploaded,
    Uploads,
    gallery_of,
)
from services.publisher.platforms.reddit.post import (
    FLAGS,
    GALLERY,
    IMAGE,
    KINDS,
    MOST_TITLE,
    WEB,
    found_as,
    is_like,
    kind_and_url,
    name_of,
    submission_of,
    subreddit_of,
)
from shared.clock import Clock, SystemClock
from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule

API = "https://oauth.reddit.com"
LIMITS = Limits(app={"per_minute": 100})
MOST_TEXT = 40_000
CLOCKS_DIFFER = timedelta(minutes=1)
USUAL_BREAK = timedelta(minutes=10)
LOOKS_AFTER = (timedelta(seconds=1), timedelta(seconds=1), timedelta(seconds=2))
"""How long to wait before each look for a picture's submission: together well below what a send may take."""
_BREAK = re.compile(r"(\d{1,6}) (millisecond|second|minute|hour)s?")


@dataclass(frozen=True, slots=True)
class ReadySubmission:
    """A submission that is complete."""

    reddit: "Reddit"
    request: httpx.Request
    post: Post
    account: Account
    kind: str

    async def send(self, now: datetime) -> Published:
        """Submit it; a link that is there already may have been submitted by an attempt whose reply was lost."""
        response, body = await submitted(self.reddit.client, self.request, now, judge)
        told = json_object(body).get("json")
        if not isinstance(told, dict):
            raise Unconfirmed("the reply is not Reddit's", code="unreadable_reply")
        if told.get("errors"):
            return await self._after_refusal(told["errors"])
        submission = object_or_empty(told.get("data"))
        allowance, name = allowance_of(response, now), name_of(submission)
        allowance = replace(allowance, whole_app=True) if allowance else None
        if name is None and self.kind == IMAGE:
            return replace(await self._appeared(), allowance=allowance)
        if name is None:
            raise Unconfirmed("the reply names no submission", code="unreadable_reply")
        return Published(name, text_or_none(submission.get("url")), allowance)

    async def _appeared(self) -> Published:
        """A picture's submission, which Reddit makes only once it has worked on the picture."""
        for pause in self.reddit.looks_after:
            await asyncio.sleep(pause.total_seconds())
            try:
                found = await self.reddit.find(self.post, self.account)
            except PlatformError as error:
                reason = f"Reddit took the picture, but does not tell its post: {error.detail.message}"
                raise Unconfirmed(reason, code=error.detail.code) from error
            if found:
                return found
        raise not_there_yet()

    async def _after_refusal(self, errors: object) -> Published:
        code, message = _first(errors)
        if code == "RATELIMIT":
            raise RateLimited(message, retry_after=break_in(message), code="ratelimit")
        refusal = Rejected(message, code=code.lower())
        if code != "ALREADY_SUB":
            raise refusal
        return await there_already(self.reddit.find(self.post, self.account), refusal)


@dataclass(frozen=True)
class Reddit(Platform):
    """The `reddit` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    name: str = "reddit"
    limits: Limits = LIMITS
    look_up_lag = timedelta(seconds=30)
    looks_after: tuple[timedelta, ...] = LOOKS_AFTER

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a subreddit, and the app's keys with a refresh token."""
        subreddit_of(account)
        server_of(account, API)
        require_credentials(account, "client_id", "refresh_token")
        if not isinstance(account.credentials.get("client_secret"), str):
            reason = "credentials.client_secret: a text is needed, an empty one for an installed app"
            raise Rejected(reason, code="invalid_credentials")
        require_instants(account, "expires_at")

    async def prepare(self, post: Post, account: Account) -> ReadySubmission:
        """Upload the pictures and build the submission."""
        form = submission_of(post, account)
        shown = await self._upload(post, account) if form["kind"] in (IMAGE, GALLERY) else []
        return ReadySubmission(self, self._submission(form, shown, account), post, account, form["kind"])

    async def rules(self, account: Account) -> PostRules:
        """What holds in every subreddit; many have rules of their own."""
        alt = TextRule(most=MOST_CAPTION)
        return PostRules(
            text=TextRule(most=MOST_TEXT),
            needs_text=True,
            media=MediaRule(most=MOST_PICTURES, most_bytes=PICTURES.most_bytes, alt=alt, alt_from=2),
            options=(
                OptionRule(name="title", most=MOST_TITLE),
                OptionRule(name="kind", choices=KINDS),
                *(OptionRule(name=name, choices=TRUE_OR_FALSE) for name in FLAGS),
            ),
        )

    def answers_look_ups(self, account: Account) -> bool:
        """From the account's own submissions."""
        return True

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """Its submission. That a picture's is not to be seen does not mean that it will not be: Unconfirmed then."""
        found = await self.find(post, account)
        if found is None and kind_and_url(post)[0] == IMAGE:
            raise not_there_yet()
        return found

    async def find(self, post: Post, account: Account) -> Published | None:
        """The oldest of the account's submissions since the post was due that is like it."""
        wanted = submission_of(post, account)
        me = await self._get("/api/v1/me", account)
        query = {"sort": "new", "limit": "100", "raw_json": "1"}
        listing = await self._get(f"/user/{me.get('name')}/submitted", account, **query)
        if listing.get("kind") != "Listing":
            raise Transient("the reply is no list of submissions", code="unreadable_reply")
        children = listing["data"]["children"]
        alike = [one["data"] for one in children if is_like(one["data"], wanted, post.publish_at - CLOCKS_DIFFER)]
        return found_as(alike[-1]) if alike else None

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
        request = token_request(self.client, url, account, names_client_by="basic", headers=headers)
        return await refreshed(self.client, request, now)

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

    async def _get(self, path: str, account: Account, **query: str) -> Mapping[str, Any]:
        url = server_of(account, API) + path
        request = self.client.build_request("GET", url, params=query, headers=_headers(account))
        return await asked(self.client, request, self.clock.now())


def judge(response: httpx.Response, body: bytes, now: datetime) -> None:
    """Limits are the app's. A submission may have landed before the server failed, unless that is overloaded."""
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        wait = retry_after_of(response, now) or USUAL_WAIT
        message = json_object(body).get("message") or "too many requests"
        raise RateLimited(f"HTTP 429: {message}", retry_after=wait, code="429", whole_app=True)
    if response.is_server_error and response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
        status = response.status_code
        raise Unconfirmed(f"HTTP {status}: the submission may have landed", code=str(status))


def not_there_yet() -> Unconfirmed:
    """Reddit may still work on a picture that it took: sent again, it would be there twice."""
    return Unconfirmed("the picture's post is not to be seen; Reddit may still work on it", code="not_there_yet")


def break_in(message: str) -> timedelta:
    """The wait that Reddit asks for in words, e.g. `Take a break for 7 minutes`."""
    told = _BREAK.search(message)
    if told is None:
        return USUAL_BREAK
    return min(timedelta(**{f"{told[2]}s": int(told[1])}) + timedelta(seconds=1), LONGEST_WAIT)


def user_agent(account: Account) -> str:
    """What Reddit demands: a name that tells one client from another."""
    return f"server:timeball.{account.credentials.get('client_id')}:v{version('timeball')} (scheduled publishing)"


def _headers(account: Account) -> dict[str, str]:
    return bearer(account) | {"user-agent": user_agent(account)}


def _first(errors: object) -> tuple[str, str]:
    """The code and the message of the first error: Reddit tells each as `[code, message, field]`."""
    first = errors[0] if isinstance(errors, list) else None
    parts = [str(part) for part in first] if isinstance(first, list) and first else ["", str(errors)]
    return parts[0], ": ".join(parts[:2])
