"""Discord: messages of a webhook, or of a bot, in a channel or a thread (docs.discord.com/developers, API version 10).

A bot's message carries a nonce that Discord enforces for some minutes, so a repeated request makes no second message;
after that the bot reads the channel. A webhook can do neither: a lost reply is left to a person. Pictures travel with
the message. The webhook's URL and the bot's token are secrets, so nothing that quotes a request may be shown.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import httpx
from pydantic_core import to_json

from services.publisher.media.limits import READABLE_TYPES, PictureLimits
from services.publisher.platforms.base import NEVER, Account, Limits, Platform, Post, Published
from services.publisher.platforms.bodies import form_of, request_with
from services.publisher.platforms.discord.options import OPTIONS
from services.publisher.platforms.discord.post import (
    attachment_of,
    file_of,
    message_of,
    messages_in,
    published_in,
    seen_as,
    thread_of,
)
from services.publisher.platforms.discord.replies import dialect_for
from services.publisher.platforms.discord.sender import Sender, sender_of
from services.publisher.platforms.errors import NotSent, Rejected, Transient, Unavailable
from services.publisher.platforms.exchange import blaming, exchange
from services.publisher.platforms.network_time import publish_timeout
from services.publisher.platforms.pictures import fetch_pictures
from services.publisher.platforms.ready import ReadyRequest
from services.publisher.platforms.recognition import recognised, since
from services.publisher.platforms.reply import Reply, text_or_none
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import MediaRule, PostRules, TextRule

LIMITS = Limits(account={"per_second": 1, "per_minute": 30}, app={"per_second": 50})
"""A webhook may send thirty a minute to its channel, a bot ask fifty a second; replies' headers tell the rest."""
NONCE_LASTS = timedelta(minutes=2)
"""Discord says "a few minutes"."""
MOST_TEXT, MOST_ALT = 2000, 1024
MOST_PICTURES = 10
PICTURES = PictureLimits(most_bytes=10 * 1024 * 1024, moving=("image/gif",))
MOST_TOGETHER = 25 * 1024 * 1024 - 256 * 1024
"""Discord takes requests of 25 MiB: a message and what stands between its pictures need some of it."""
PAGE = 100
CLOCKS_DIFFER = timedelta(seconds=5)
"""Discord's ids tell the very millisecond."""


@dataclass(frozen=True)
class Discord(Platform):
    """The `discord` platform."""

    client: httpx.AsyncClient
    clock: Clock = field(default_factory=SystemClock)
    guilds: dict[str, str] = field(default_factory=dict, repr=False)
    """By the URL that tells it: channels and webhooks do not move from server to server."""
    name = "discord"
    limits = LIMITS
    look_up_lag = timedelta(seconds=5)

    def check(self, account: Account) -> None:
        """Raise Rejected unless there is a webhook, or a bot and a channel."""
        sender_of(account)

    async def verify(self, account: Account) -> None:
        """Ask about the webhook, or the channel: that needs the token, and a bot that may see the channel."""
        sender = sender_of(account)
        token, setting = ("bot_token", "channel_id") if sender.bot_id else ("webhook_url", "server")
        with blaming(f"credentials.{token}", settings=f"settings.{setting}"):
            await self._get(sender.about, sender)

    async def prepare(self, post: Post, account: Account) -> ReadyRequest:
        """Fetch the pictures, learn the server that the address of the message names, and build the request."""
        post = OPTIONS.checked(post)
        sender = sender_of(account, post.options.get("thread_id"))
        message = message_of(post, sender)
        pictures = await fetch_pictures(self.client, post.media, PICTURES, most_together=MOST_TOGETHER)
        message["attachments"] = [attachment_of(post, index, picture) for index, picture in enumerate(pictures)]
        parameters = {} if sender.bot_id else {"wait": "true"} | thread_of(post, sender)
        url, dialect = str(httpx.URL(sender.url, params=parameters)), dialect_for(sender)
        its_place = partial(published_in, guild=await self._guild(sender))
        if not pictures:
            request = self.client.build_request("POST", url, headers=sender.headers, json=message)
            return ReadyRequest(self.client, request, dialect, its_place)
        files = [file_of(post, index, picture) for index, picture in enumerate(pictures)]
        form = form_of({"payload_json": to_json(message).decode()}, files)
        request = request_with(self.client, "POST", url, form, sender.headers)
        return ReadyRequest(self.client, request, dialect, its_place, publish_timeout(form.size))

    async def rules(self, account: Account) -> PostRules:
        """What Discord's documentation says of messages; it counts code points."""
        return PostRules(
            text=TextRule(most=MOST_TEXT),
            media=MediaRule(
                most=MOST_PICTURES, types=READABLE_TYPES, most_bytes=PICTURES.most_bytes, alt=TextRule(most=MOST_ALT)
            ),
            needs_one_of=("content", "media", "embeds"),
            options=OPTIONS.rules,
            other_options=False,
        )

    def deduplicates_for(self, account: Account) -> timedelta:
        """By its nonce, for a bot."""
        return NONCE_LASTS if sender_of(account).bot_id else NEVER

    def answers_look_ups(self, account: Account) -> bool:
        """A bot may read its channel, a webhook nothing."""
        return sender_of(account).bot_id is not None

    async def look_up(self, post: Post, account: Account) -> Published | None:
        """The bot's own message that shows this post since it was due; Rejected where not enough is seen to tell."""
        post = OPTIONS.checked(post)
        sender = sender_of(account, post.options.get("thread_id"))
        told = await self._get(sender.url, sender, limit=str(PAGE))
        messages = messages_in(told)
        if not messages:
            reason = "the channel looks empty, as it does to a bot without the permission Read Message History"
            raise Rejected(reason, code="cannot_see")
        guild = await self._guild(sender)
        seen = [seen_as(message, post, sender, guild) for message in messages]
        return recognised(seen, since(post, told, CLOCKS_DIFFER), is_all=len(messages) < PAGE)

    def app_of(self, account: Account) -> str | None:
        """The bot's id, which everybody may know."""
        return sender_of(account).bot_id

    async def _guild(self, sender: Sender) -> str | None:
        """The server's id, `@me` for a conversation with one person; None while Discord does not tell."""
        if sender.about not in self.guilds:
            try:
                told = (await self._get(sender.about, sender)).json
            except (NotSent, Unavailable, Transient):
                return None
            if not text_or_none(told.get("id")):
                return None
            self.guilds[sender.about] = text_or_none(told.get("guild_id")) or "@me"
        return self.guilds[sender.about]

    async def _get(self, url: str, sender: Sender, **query: str) -> Reply:
        request = self.client.build_request("GET", url, params=query, headers=sender.headers)
        return await exchange(self.client, request, self.clock.now(), dialect_for(sender))
