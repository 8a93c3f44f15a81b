"""The servers of the model networks: how each is asked, what it recognises, and what it answers.

sandbox      neither deduplicates nor answers look-ups
lookups      a sandbox that answers look-ups
webhook      deduplicates by `webhook-id`, for ever
mastodon     deduplicates by `Idempotency-Key` for an hour, and shows its statuses some seconds later
x            shows its posts some seconds later; its tokens end soon, and each refresh token is good once
    callbacks    no network: where outcomes are called back
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs

import httpx

from tests.simulation.virtual_time import EPOCH

FOR_EVER = float("inf")
TOKENS_LAST = 100.0
"""Seconds that an access token of `x` is good for: longer than the publisher renews it ahead."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A post that stands on a network."""

    identity: str
    key: str
    content: str
    account_id: str
    at: float
    visible_at: float


@dataclass(frozen=True, slots=True)
class Submission:
    """What a request asks to publish."""

    account_id: str
    key: str
    content: str


@dataclass(eq=False)
class Network:
    """One server; by itself a sandbox."""

    kind: str
    host: str
    posts: list[Taken] = field(default_factory=list)
    refused_tokens: set[str] = field(default_factory=set)
    remembers = 0.0
    """Seconds for which a repeated key is recognised."""

    def submission(self, request: httpx.Request) -> Submission | None:
        """What the request publishes; None where it only asks."""
        if request.method != "POST":
            return None
        told = json.loads(request.content)["data"]
        return Submission(told["account_id"], request.headers.get("webhook-id", ""), told["content"])

    def admits(self, request: httpx.Request, now: float) -> bool:
        """Whether the token is good."""
        return request.headers.get("authorization", "") not in self.refused_tokens

    def known(self, wanted: Submission, now: float) -> Taken | None:
        """The post that a repeated request stands for."""
        found = (one for one in self.posts if one.key == wanted.key and now - one.at < self.remembers)
        return next(found, None)

    def take(self, wanted: Submission, now: float, lag: float) -> Taken:
        """Publish it."""
        self.posts.append(
            Taken(self.identity(len(self.posts) + 1), wanted.key, wanted.content, wanted.account_id, now, now + lag)
        )
        return self.posts[-1]

    def identity(self, number: int) -> str:
        """The id of the post with this number."""
        return f"{self.kind}-{number}"

    def accepted(self, post: Taken) -> Mapping[str, Any]:
        """The answer to a request that has published."""
        return {"id": post.identity, "url": f"https://{self.host}/{post.identity}"}

    def answer(self, request: httpx.Request, now: float) -> tuple[int, Any]:
        """The answer to a request that asks."""
        asked = request.url.params
        found = (one for one in self.seen(asked["account_id"], now) if one.content.split()[0] == asked["post_id"])
        post = next(found, None)
        return (200, self.accepted(post)) if post else (404, {"error": "not found"})

    def seen(self, account_id: str, now: float) -> list[Taken]:
        """The posts of an account that look-ups show."""
        return [one for one in self.posts if one.account_id == account_id and one.visible_at <= now]


class Webhook(Network):
    """An endpoint that remembers what it got."""

    remembers = FOR_EVER


class Mastodon(Network):
    """A server of many accounts, each known by its token."""

    remembers = 3600.0

    def submission(self, request: httpx.Request) -> Submission | None:
        if request.method != "POST":
            return None
        return Submission(token_of(request), request.headers["idempotency-key"], json.loads(request.content)["status"])

    def answer(self, request: httpx.Request, now: float) -> tuple[int, Any]:
        path, owner = request.url.path, token_of(request)
        if path.endswith("verify_credentials"):
            return 200, {"id": owner}
        if path.endswith("/statuses"):
            own = list(reversed(self.seen(owner, now)))
            before = request.url.params.get("max_id")
            if before:
                own = own[[one.identity for one in own].index(before) + 1 :]
            return 200, [_status(one, self.host) for one in own[:40]]
        if path.endswith("/instance"):
            return 200, {"configuration": {"statuses": {"max_characters": 500}}}
        return 404, {"error": "not found"}


def _status(post: Taken, host: str) -> Mapping[str, Any]:
    return {
        "id": post.identity,
        "url": f"https://{host}/{post.identity}",
        "created_at": (EPOCH + timedelta(seconds=post.at)).isoformat(),
        "content": f"<p>{escape(post.content)}</p>",
        "spoiler_text": "",
        "media_attachments": [],
        "visibility": "public",
    }


@dataclass
class Pair:
    """The tokens that an account has now."""

    access: str
    refresh: str
    ends_at: float


@dataclass(eq=False)
class X(Network):
    """A network whose tokens end."""

    pairs: dict[str, Pair] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    """Refresh tokens that were exchanged for new ones, not those that a person's new sign-in replaced."""
    replayed: list[str] = field(default_factory=list)
    """Refresh tokens that were presented a second time, which loses the account."""
    _issued: int = 0

    def issue(self, account_id: str, now: float) -> Pair:
        """A new pair of tokens; those before are worth nothing."""
        self._issued += 1
        self.pairs[account_id] = Pair(
            f"{account_id}/at{self._issued}", f"{account_id}/rt{self._issued}", now + TOKENS_LAST
        )
        return self.pairs[account_id]

    def submission(self, request: httpx.Request) -> Submission | None:
        if request.method != "POST" or request.url.path != "/2/tweets":
            return None
        return Submission(token_of(request), "", json.loads(request.content)["text"])

    def admits(self, request: httpx.Request, now: float) -> bool:
        if request.url.path == "/2/oauth2/token":
            return True
        pair = self.pairs.get(token_of(request))
        return pair is not None and now < pair.ends_at and request.headers["authorization"] == f"Bearer {pair.access}"

    def identity(self, number: int) -> str:
        return str(1000 + number)

    def accepted(self, post: Taken) -> Mapping[str, Any]:
        return {"data": {"id": post.identity, "text": post.content}}

    def answer(self, request: httpx.Request, now: float) -> tuple[int, Any]:
        path = request.url.path
        if path == "/2/oauth2/token":
            return self._refresh(parse_qs(request.content.decode())["refresh_token"][0], now)
        owner = token_of(request)
        if path == "/2/users/me":
            return 200, {"data": {"id": owner, "username": owner}}
        tweets = [
            {"id": one.identity, "text": one.content, "created_at": (EPOCH + timedelta(seconds=one.at)).isoformat()}
            for one in reversed(self.seen(owner, now))
        ]
        return 200, {"data": tweets, "meta": {"result_count": len(tweets)}}

    def _refresh(self, given: str, now: float) -> tuple[int, Any]:
        account_id = given.partition("/")[0]
        pair = self.pairs.get(account_id)
        if pair is None or pair.refresh != given:
            if given in self.spent:
                self.replayed.append(given)
            return 400, {"error": "invalid_grant"}
        self.spent.add(given)
        new = self.issue(account_id, now)
        return 200, {"access_token": new.access, "refresh_token": new.refresh, "expires_in": TOKENS_LAST}


@dataclass(eq=False)
class Callbacks(Network):
    """Where those who asked for posts are called back."""

    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """The id and the body of each call."""

    def submission(self, request: httpx.Request) -> Submission | None:
        return None

    def answer(self, request: httpx.Request, now: float) -> tuple[int, Any]:
        self.calls.append((request.headers["webhook-id"], json.loads(request.content)))
        return 200, {}


SERVERS: Mapping[str, type[Network]] = {
    "sandbox": Network,
    "lookups": Network,
    "webhook": Webhook,
    "mastodon": Mastodon,
    "x": X,
    "callbacks": Callbacks,
}


def token_of(request: httpx.Request) -> str:
    """The account that a token is for."""
    return str(request.headers["authorization"]).removeprefix("Bearer ").partition("/")[0]
