"""Discord: messages of a webhook, or of a bot, in a channel or a thread (docs.discord.com/developers, API version 10).

A bot's message carries a nonce that Discord enforces for some minutes, so a repeated request makes no second message;
after that the bot reads the channel. A webhook can do neither: a lost reply is left to a person. Pictures travel with
the message. The webhook's URL and the bot's token are secrets, so nothing that quotes a request may be shown.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
from pydantic_core import from_json, to_json

from services.publisher.platforms.allowance import allowance_of, retry_after_of, wait_of
from services.publisher.platforms.base import NEVER, Account, Limits, Platform, Post, Published
from services.publisher.platforms.discord_places import WEB, Place, place_of
from services.publisher.platforms.errors import RateLimited, Rejected, Transient, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import (
    LONG_REPLY,
    USUAL_WAIT,
    Judge,
    asked,
    exchange,
    json_object,
    object_or_empty,
    objects_in,
    raise_for,
    submitted,
    text_or_none,
    without,
)
from services.publisher.platforms.media import PICTURE_TYPES, Picture, PictureLimits, Pictures
from services.publisher.platforms.options import TRUE_OR_FALSE, flag, number, wrong
from shared.clock import Clock, SystemClock
from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule

LIMITS = Limits(account={"per_second": 1, "per_minute": 30}, app={"per_second": 50})
"""A webhook may send thirty a minute to its channel, a bot ask fifty a second; replies' headers tell the rest."""
NONCE_LASTS = timedelta(minutes=2)
"""Discord says "a few minutes"."""
MOST_NONCE, MOST_MARK = 25, 8
MOST_TEXT, MOST_ALT = 2000, 1024
MOST_PICTURES = MOST_EMBEDS = 10
PICTURES = PictureLimits(most_bytes=10 * 1024 * 1024)
FLAGS = {"suppress_embeds": 1 << 2, "suppress_notifications": 1 << 12}
PAGE = 100
SKEW = timedelta(seconds=5)
"""How far Discord's clock may be behind ours."""
EPOCH_MS = 1_420_070_400_000
"""The first second of 2015, from which Discord's ids count milliseconds."""
UNKNOWN_WEBHOOK = 10015
_ID = re.compile(r"\d{1,20}", re.ASCII)


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
        message["attachments"] = [_attachment(post, index, picture) for index, picture in enumerate(pictures)]
        parameters = {} if place.bot_id else {"wait": "true"} | ({"thread_id": str(thread_id)} if thread_id else {})
        files = [(f"files[{index}]", _file(post, index, picture)) for index, picture in enumerate(pictures)]
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
        messages = _messages(body)
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


def message_of(post: Post, place: Place) -> dict[str, Any]:
    """The message without its pictures. It calls nobody by `@`, unless its options say so."""
    mentions, embeds = post.options.get("allowed_mentions", {"parse": []}), post.options.get("embeds", [])
    if not isinstance(mentions, dict):
        raise wrong("allowed_mentions", mentions, "an object as Discord describes it")
    if not isinstance(embeds, list) or len(embeds) > MOST_EMBEDS:
        raise wrong("embeds", embeds, f"a list of at most {MOST_EMBEDS} embeds")
    flags = sum(bit for name, bit in FLAGS.items() if flag(post, name))
    message: dict[str, Any] = {"content": post.content, "allowed_mentions": mentions}
    message |= ({"embeds": embeds} if embeds else {}) | ({"flags": flags} if flags else {})
    return message | ({"nonce": nonce_of(post), "enforce_nonce": True} if place.bot_id else {})


def nonce_of(post: Post) -> str:
    """The same for every attempt at one revision of a post on one account."""
    return hashlib.sha256(post.key.encode()).hexdigest()[:MOST_NONCE]


def _stem(post: Post, index: int) -> str:
    """The name of a picture's file before its ending; it tells pictures of one post from those of another."""
    return f"picture{index}-{nonce_of(post)[:MOST_MARK]}"


def _attachment(post: Post, index: int, picture: Picture) -> dict[str, Any]:
    described = {"description": picture.alt} if picture.alt else {}
    return {"id": index, "filename": f"{_stem(post, index)}.{picture.ending}"} | described


def _file(post: Post, index: int, picture: Picture) -> tuple[str, bytes, str]:
    return f"{_stem(post, index)}.{picture.ending}", picture.data, picture.mime


def published(message: Mapping[str, Any], guild: str | None) -> Published:
    """Where a message is."""
    message_id, channel = text_or_none(message.get("id")), text_or_none(message.get("channel_id"))
    return Published(message_id, f"{WEB}/channels/{guild}/{channel}/{message_id}" if guild and channel else None)


def _messages(body: bytes) -> Sequence[Mapping[str, Any]]:
    """The newest first, as Discord lists them; Unconfirmed where it is no list."""
    try:
        listed = from_json(body)
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise Unconfirmed("the reply is no list of messages", code="unreadable_reply")
    return [one for one in objects_in(listed) if _ID.fullmatch(str(one.get("id")))]


def is_this(message: Mapping[str, Any], post: Post, place: Place) -> bool:
    """Whether a message in the channel is this post."""
    is_ours = object_or_empty(message.get("author")).get("id") == place.bot_id
    has_nonce = message.get("nonce") in (None, nonce_of(post))
    is_new = sent_at(message) >= post.publish_at - SKEW
    return is_ours and has_nonce and is_new and _looks_like(message, post)


def _looks_like(message: Mapping[str, Any], post: Post) -> bool:
    has_text = str(message.get("content", "")).strip() == post.content.strip()
    files = [str(one.get("filename")).rpartition(".")[0] for one in objects_in(message.get("attachments"))]
    has_pictures = files == [_stem(post, index) for index in range(len(post.media))]
    return has_text and has_pictures and _shows_embeds(message, post)


def _shows_embeds(message: Mapping[str, Any], post: Post) -> bool:
    """Whether the post's embeds are among the message's, which has previews of links as well; hidden, none can be."""
    if flag(post, "suppress_embeds"):
        return True
    shown = [_words_of(embed) for embed in objects_in(message.get("embeds"))]
    return all(_words_of(embed) in shown for embed in objects_in(post.options.get("embeds")))


def _words_of(embed: Mapping[str, Any]) -> tuple[str, str]:
    return str(embed.get("title") or "").strip(), str(embed.get("description") or "").strip()


def sent_at(message: Mapping[str, Any]) -> datetime:
    """When a message was sent, as its id tells."""
    return datetime.fromtimestamp(((int(message["id"]) >> 22) + EPOCH_MS) / 1000, UTC)


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
