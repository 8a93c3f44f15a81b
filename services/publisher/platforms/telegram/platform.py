"""Telegram: messages of a bot to a channel, a group or a person (core.telegram.org/bots/api).

A text is `sendMessage`, a picture `sendPhoto` (`sendAnimation` where it is a GIF), several pictures `sendMediaGroup`.
Telegram has no upload ahead of the message: pictures are made to fit before the instant, and travel with it.

Nothing tells a repeated message from a new one, and a bot cannot look up what it has sent: a lost reply is left to a
person. The token is a part of every URL, so nothing that quotes a request may be shown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic_core import to_json

from services.publisher.media.limits import READABLE_TYPES, PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.platforms.account_fields import invalid_credential, invalid_setting, server_of
from services.publisher.platforms.base import Account, Limits, Platform, Post, Published
from services.publisher.platforms.bodies import FormFile, form_of, request_with
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.exchange import blaming, exchange
from services.publisher.platforms.network_time import publish_timeout
from services.publisher.platforms.pictures import fetch_pictures
from services.publisher.platforms.ready import ReadyRequest
from services.publisher.platforms.reply import Reply, object_or_empty
from services.publisher.platforms.telegram.options import COMMON, OPTIONS
from services.publisher.platforms.telegram.replies import dialect_for
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import MediaRule, PostRules, TextRule

API, WEB = "https://api.telegram.org", "https://t.me"
LIMITS = Limits(account={"per_second": 1, "per_minute": 20}, app={"per_second": 30})
"""To one chat a message a second, to a group twenty a minute; of one bot about thirty a second."""
MOST_TEXT, MOST_CAPTION = 4096, 1024
MOST_PICTURES = 10
MOST_RATIO = 20
GIF = "image/gif"
STILL = PictureLimits(most_bytes=2_000_000, types=("image/jpeg", "image/png"), most_side=2560)
"""Telegram makes larger ones smaller itself; and they are uploaded once the post is due, within seconds."""
ALONE = PictureLimits(most_bytes=10_000_000, types=(*STILL.types, GIF), most_side=STILL.most_side, moving=(GIF,))
"""A picture that stands alone may move, and then nobody makes it smaller."""
ALBUM = "sendMediaGroup"
_TOKEN = re.compile(r"\d+:[\w-]{20,}", re.ASCII)
_CHAT = re.compile(r"-?\d{1,20}|@\w{4,32}", re.ASCII)
_SUPERGROUP = "-100"


@dataclass(frozen=True)
class Telegram(Platform):
    """The `telegram` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    name = "telegram"
    limits = LIMITS

    def check(self, account: Account) -> None:
        """Raise Rejected unless there are a chat and the token of a bot."""
        server_of(account, API)
        chat_of(account)
        token_of(account)

    async def verify(self, account: Account) -> None:
        """Ask about the chat: that needs the token, and a bot that the chat knows."""
        token, chat = token_of(account), {"chat_id": chat_of(account)}
        request = self.client.build_request("POST", f"{server_of(account, API)}/bot{token}/getChat", json=chat)
        with blaming("credentials.bot_token", settings="settings.chat_id"):
            await exchange(self.client, request, self.clock.now(), dialect_for(token))

    async def prepare(self, post: Post, account: Account) -> ReadyRequest:
        """Fetch the pictures and build the whole request."""
        post = OPTIONS.checked(post)
        said = {name: post.options[name] for name in COMMON if name in post.options}
        token, common = token_of(account), {"chat_id": chat_of(account)} | said
        pictures = await self._pictures(post)
        method, fields = content_of(post, pictures)
        url, dialect = f"{server_of(account, API)}/bot{token}/{method}", dialect_for(token)
        if not pictures:
            request = self.client.build_request("POST", url, json=common | fields)
            return ReadyRequest(self.client, request, dialect, published_in)
        form = form_of(_as_form(common | fields), [_file(method, *numbered) for numbered in enumerate(pictures)])
        request = request_with(self.client, "POST", url, form, {})
        return ReadyRequest(self.client, request, dialect, published_in, publish_timeout(form.size))

    async def rules(self, account: Account) -> PostRules:
        """What Telegram's documentation says of messages; it counts code points, and no markup."""
        return PostRules(
            text=TextRule(most=MOST_TEXT, markup_option="parse_mode"),
            caption=TextRule(most=MOST_CAPTION, markup_option="parse_mode"),
            needs_one_of=("content", "media"),
            media=MediaRule(most=MOST_PICTURES, types=READABLE_TYPES, most_bytes=ALONE.most_bytes),
            options=OPTIONS.rules,
            other_options=False,
        )

    def app_of(self, account: Account) -> str | None:
        """The bot's id, which everybody may know."""
        return token_of(account).partition(":")[0]

    async def _pictures(self, post: Post) -> list[Picture]:
        """Still pictures no larger than they will be shown, and one that moves as it is."""
        if len(post.media) == 1:
            (picture,) = await fetch_pictures(self.client, post.media, ALONE)
            if picture.moves or (picture.mime in STILL.types and picture.size <= STILL.most_bytes):
                return [picture]
        return await fetch_pictures(self.client, post.media, STILL)


def content_of(post: Post, pictures: list[Picture]) -> tuple[str, dict[str, Any]]:
    """The method that sends the content, and its parameters; the text is no markup unless it is said to be."""
    preview = post.options.get("link_preview")
    mode = post.options.get("parse_mode")
    markup = {"parse_mode": mode} if mode else {}
    if not pictures:
        hidden = {"link_preview_options": {"is_disabled": True}} if preview is False else {}
        return "sendMessage", {"text": post.content} | markup | hidden
    for picture in pictures:
        _check_shape(picture)
    caption = {"caption": post.content} | markup if post.content else {}
    if len(pictures) == 1:
        return ("sendAnimation" if pictures[0].mime == GIF else "sendPhoto"), caption
    album = [{"type": "photo", "media": f"attach://{_name(ALBUM, index)}"} for index in range(len(pictures))]
    return ALBUM, {"media": [album[0] | caption, *album[1:]]}


def _check_shape(picture: Picture) -> None:
    if max(picture.width, picture.height) > MOST_RATIO * min(picture.width, picture.height):
        shape = f"{picture.width} x {picture.height} pixels"
        reason = f"media: a picture of {shape} is too long; Telegram takes at most {MOST_RATIO} times as long as wide"
        raise Rejected(reason, code="media_too_long")


def _name(method: str, index: int) -> str:
    """The field of the form that a picture stands in."""
    return f"picture{index}" if method == ALBUM else method.removeprefix("send").lower()


def _file(method: str, index: int, picture: Picture) -> FormFile:
    return FormFile(_name(method, index), f"picture{index}.{picture.ending}", picture)


def _as_form(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: one if isinstance(one, str) else to_json(one).decode() for name, one in parameters.items()}


def published_in(reply: Reply) -> Published | None:
    """Where the message is, of an album the first one; None where the reply does not tell."""
    result = reply.json.get("result")
    message = object_or_empty(result[0] if isinstance(result, list) and result else result)
    message_id = message.get("message_id")
    if not isinstance(message_id, int):
        return None
    return Published(str(message_id), _url(object_or_empty(message.get("chat")), message_id))


def _url(chat: Mapping[str, Any], message_id: int) -> str | None:
    """The address of a message in a channel or a supergroup; elsewhere messages have none."""
    if chat.get("type") not in ("channel", "supergroup"):
        return None
    if username := chat.get("username"):
        return f"{WEB}/{username}/{message_id}"
    chat_id = str(chat.get("id"))
    return f"{WEB}/c/{chat_id.removeprefix(_SUPERGROUP)}/{message_id}" if chat_id.startswith(_SUPERGROUP) else None


def chat_of(account: Account) -> int | str:
    """The chat's id or a channel's @name, or Rejected."""
    given = account.settings.get("chat_id")
    if isinstance(given, bool) or not isinstance(given, int | str) or not _CHAT.fullmatch(str(given)):
        raise invalid_setting(account, "chat_id", "write a number such as -1001234567890, or a @channelname")
    return given


def token_of(account: Account) -> str:
    """The bot's token, or Rejected."""
    given = account.credentials.get("bot_token")
    if not isinstance(given, str) or not _TOKEN.fullmatch(given):
        raise invalid_credential("bot_token", "expected what @BotFather gives: digits, a colon, and letters")
    return given
