"""Discord: messages of a webhook, or of a bot, in a channel or a thread (docs.discord.com/developers, API version 10).

A bot's message carries a nonce that Discord enforces for some minutes, so a repeated request makes no second message;
after that the bot reads the channel. A webhook can do neither: a lost reply is left to a person. Pictures travel with
the message. The webhook's URL and the bot's token are secrets, so nothing that quotes a request may be shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
from pydantic_core import to_json

from services.publisher.platforms.allowance import allowance_of, retry_after_of, wait_of
from services.publisher.platforms.base import NEVER, Account, Limits, Platform, Post, Published
from services.publisher.platforms.discord.channel import Place, place_of
from services.publisher.platforms.discord.post import (
    FLAGS,
    SKEW,
    attachment_of,
    file_of,
    is_this,
    message_of,
    messages_in,
    published,
    sent_at,
)
from services.publisher.platforms.errors import RateLimited, Rejected, Transient, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import (
    LONG_REPLY,
    USUAL_WAIT,
    Judge,
    asked,
    exchange,
    json_object,
    raise_for,
    submitted,
    text_or_none,
    without,
)
from services.publisher.platforms.media import PICTURE_TYPES, PictureLimits, Pictures
from services.publisher.platforms.options import TRUE_OR_FALSE, number
from shared.clock import Clock, SystemClock
from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule

LIMITS = Limits(account={"per_second": 1, "per_minute": 30}, app={"per_second": 50})
"""A webhook may send thirty a minute to its channel, a bot ask fifty a second; replies' headers tell the rest."""
NONCE_LASTS = timedelta(minutes=2)
"""Discord says "a few minutes"."""
MOST_TEXT, MOST_ALT = 2000, 1024
MOST_PICTURES = 10
PICTURES = PictureLimits(most_bytes=10 * 1024 * 1024)
PAGE = 100
UNKNOWN_WEBHOOK = 10015


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """A request with all its pictures."""

    client: httpx.AsyncClient
    place: Place
    guild: str | None
    request: httpx.Request = field(repr=False)

    async def send(self, now: datetime) -> Published:
        """Send it; the reply is the message as it appears."""
        response, body = await submitted(self.client, self.request, now, judge_for(self.place))
        told = json_object(body)
        if not text_or_none(told.get("id")):
            raise Unconfirmed("the reply names no message", code="unreadable_reply")
        found = published(told, self.guild)
        return Published(found.platform_post_id, found.url, allowance_of(response, now))


@dataclass(frozen=True)
class Discord(Platform):
    """The `discord` platform."""

    client: httpx.AsyncClient
    name: str = "discord"
    limits: Limits = LIMITS
    look_up_lag = timedelta(seconds=5)
    clock: Clock = field(default_factory=SystemClock)
    guilds: dict[str, str] = field(default_factory=dict, repr=False)
    """By the URL that tells it: channels and webhooks do not move from server to server."""

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a webhook, or a bot and a channel."""
        place_of(account)

    async def prepare(self, post: Post, account: Account) -> ReadyMessage:
        """Fetch the pictures, learn the server that the address of the message names, and build the request."""
        thread_id = number(post, "thread_id")
        place = place_of(account, thread_id)
        message = message_of(post, place)
        pictures = await Pictures(self.client).fetch_all(post.media, PICTURES)
        message["attachments"] = [attachment_of(post, index, picture) for index, picture in enumerate(pictures)]
        parameters = {} if place.bot_id else {"wait": "true"} | ({"thread_id": str(thread_id)} if thread_id else {})
        files = [(f"files[{index}]", file_of(post, index, picture)) for index, picture in enumerate(pictures)]
        content: dict[str, Any] = {"data": {"payload_json": to_json(message).decode()}, "files": files}
        request = self.client.build_request(
            "POST", place.url, params=parameters, headers=place.headers, **(content if files else {"json": message})
        )
        return ReadyMessage(self.client, place, await self._guild(place), request)

    async def rules(self, account: Account) -> PostRules:
        """What Discord's documentation says of messages; it counts code points."""
        return PostRules(
            text=TextRule(most=MOST_TEXT),
            media=MediaRule(
                most=MOST_PICTURES, types=PICTURE_TYPES, most_bytes=PICTURES.most_bytes, alt=TextRule(most=MOST_ALT)
            ),
            needs_one_of=("content", "media", "embeds"),
            options=(
                OptionRule(name="thread_id", is_number=True),
                *(OptionRule(name=name) for name in ("allowed_mentions", "embeds")),
                *(OptionRule(name=name, choices=TRUE_OR_FALSE) for name in FLAGS),
            ),
            other_options=False,
        )

    def deduplicates_for(self, account: Account) -> timedelta:
        """By its nonce, for a bot."""
        return NONCE_LASTS if place_of(account).bot_id else NEVER

    def answers_look_ups(self, account: Account) -> bool:
        """A bot may read its channel, a webhook nothing."""
        return place_of(account).bot_id is not None

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The bot's own message that shows this post since it was due; Rejected where not enough is seen to tell."""
        place = place_of(account, number(post, "thread_id"))
        request = self.client.build_request("GET", place.url, params={"limit": str(PAGE)}, headers=place.headers)
        _, body = await exchange(self.client, request, self.clock.now(), judge_for(place), most_bytes=LONG_REPLY)
        messages = messages_in(body)
        for message in messages:
            if is_this(message, post, place):
                return published(message, await self._guild(place))
        if not messages:
            reason = "the channel looks empty, as it does to a bot without the permission Read Message History"
            raise Rejected(reason, code="cannot_see")
        if len(messages) == PAGE and sent_at(messages[-1]) >= post.publish_at - SKEW:
            raise Rejected(f"there are more than {PAGE} newer messages in the channel", code="cannot_see")
        return None

    def app_of(self, account: Account) -> str | None:
        """The bot's id, which everybody may know."""
        return place_of(account).bot_id

    async def _guild(self, place: Place) -> str | None:
        """The server's id, `@me` for a conversation with one person; None while Discord does not tell."""
        if place.about not in self.guilds:
            request = self.client.build_request("GET", place.about, headers=place.headers)
            try:
                told = await asked(self.client, request, self.clock.now(), judge_for(place))
            except (Transient, RateLimited, Unconfirmed):
                return None
            if not text_or_none(told.get("id")):
                return None
            self.guilds[place.about] = text_or_none(told.get("guild_id")) or "@me"
        return self.guilds[place.about]


def judge_for(place: Place) -> Judge:
    """What replies mean, without the place's secret, which a proxy's page may quote."""

    def judge(response: httpx.Response, body: bytes, now: datetime) -> None:
        raise_refusal(response, without(place.secret, body), now)

    return judge


def raise_refusal(response: httpx.Response, body: bytes, now: datetime) -> None:
    """Raise what a refusal means; where the JSON names the wrong fields, they are told."""
    if response.is_success:
        return
    told = json_object(body)
    message = "; ".join([str(told.get("message") or body.decode("utf-8", "replace")), *_faults(told.get("errors"))])
    status = response.status_code
    if status == HTTPStatus.NOT_FOUND and told.get("code") == UNKNOWN_WEBHOOK:
        raise Unauthorized(f"HTTP 404: {message}: the webhook was deleted", code=str(UNKNOWN_WEBHOOK))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = wait_of(told.get("retry_after")) or retry_after_of(response, now) or USUAL_WAIT
        is_global = told.get("global") is True or response.headers.get("x-ratelimit-scope") == "global"
        raise RateLimited(f"HTTP 429: {message}", retry_after=wait, code=str(status), whole_app=is_global)
    raise_for(response, message.encode(), now)


def _faults(errors: Any, path: str = "") -> Iterator[str]:
    """`content: Must be 2000 or fewer in length.` for every field that Discord finds wrong."""
    if not isinstance(errors, dict):
        return
    for name, inner in errors.items():
        if name == "_errors" and isinstance(inner, list):
            yield from (f"{path}: {one.get('message')}" for one in inner if isinstance(one, dict))
        else:
            yield from _faults(inner, f"{path}.{name}" if path else str(name))
