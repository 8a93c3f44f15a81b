"""Discord: a channel with a webhook and a bot, nonces enforced for some minutes, and limits told in headers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from shared.clocks.clock import Clock, SystemClock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Posted, Reply
from tests.fakes.networks.multipart import parts_of

GUILD, CHANNEL, THREAD, WEBHOOK, BOT = "41771983423143937", "319674150115610528", "700", "223704706495545344", "1234"
BOT_TOKEN = "MTIzNA.Gf4h2k.pJ0uPZmH9bQ4tVw1xKcE6sYr8nLd3oAg5iBf7T"
WEBHOOK_TOKEN = "3d89bb7572e0fb30d8128367b3b1b44fecd1726de135cbe28a41f8b2f777c372ba2939e72279b94526ff5d1bd4358d65cf11"
NONCES_LAST = timedelta(minutes=3)
EPOCH_MS = 1_420_070_400_000
MOST_TEXT = 2000
MOST_BYTES = 25 * 1024 * 1024
NEEDS_THREAD = "Webhooks posted to forum channels must have a thread_name or thread_id"


@dataclass
class Discord(Network):
    """One server with a channel, in which a bot and a webhook write."""

    clock: Clock = field(default_factory=SystemClock)
    bot_token: str = BOT_TOKEN
    webhook_token: str = WEBHOOK_TOKEN
    shows_history: bool = True
    """Whether the bot has the permission Read Message History."""
    remaining: int = 4
    is_forum: bool = False
    """Whether the channel has threads alone, as forums do."""
    about_channel: bytes | None = None
    """What a proxy answers in Discord's place to the question which server a channel belongs to."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    _nonces: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def webhook_url(self) -> str:
        """What Discord shows to whoever made the webhook."""
        return f"{self.url}/api/webhooks/{WEBHOOK}/{self.webhook_token}"

    def publishes(self, call: Call) -> bool:
        return call.method == "POST"

    def answer(self, call: Call) -> Reply:
        match call.path.split("/")[3:]:
            case ["webhooks", webhook, token]:
                return self._of_webhook(call, webhook, token)
            case ["channels", channel, *rest] if channel in (CHANNEL, THREAD):
                if call.headers.get("authorization") != f"Bot {self.bot_token}":
                    return Reply(HTTPStatus.UNAUTHORIZED, {"message": "401: Unauthorized", "code": 0})
                return self._of_channel(call, channel, rest)
            case ["channels", *_]:
                return Reply(HTTPStatus.NOT_FOUND, {"message": "Unknown Channel", "code": 10003})
        return Reply(HTTPStatus.NOT_FOUND, {"message": "404: Not Found", "code": 0})

    def _of_webhook(self, call: Call, webhook: str, token: str) -> Reply:
        if (webhook, token) != (WEBHOOK, self.webhook_token):
            return Reply(HTTPStatus.NOT_FOUND, {"message": "Unknown Webhook", "code": 10015})
        if call.method == "GET":
            return Reply(body={"id": webhook, "channel_id": CHANNEL, "guild_id": GUILD})
        begins = payload_of(call).get("thread_name")
        if self.is_forum and not (begins or "thread_id" in call.query):
            return Reply(HTTPStatus.BAD_REQUEST, {"message": NEEDS_THREAD, "code": 220001})
        channel = f"70{len(self.messages)}" if begins else call.query.get("thread_id", CHANNEL)
        made = self._make(call, channel, author=webhook, nonce=None)
        return made if call.query.get("wait") == "true" else Reply(HTTPStatus.NO_CONTENT, b"")

    def _of_channel(self, call: Call, channel: str, rest: list[str]) -> Reply:
        if call.method == "GET" and not rest:
            return Reply(body=self.about_channel or {"id": channel, "type": 0, "guild_id": GUILD})
        if call.method == "GET":
            seen = [one for one in reversed(self.messages) if one["channel_id"] == channel and self.shows_history]
            return Reply(body=seen[: int(call.query.get("limit", "50"))])
        given = payload_of(call)
        nonce = given.get("nonce") if given.get("enforce_nonce") else None
        if nonce and self._is_fresh(nonce):
            return self._limited(Reply(body=self._nonces[nonce]))
        return self._make(call, channel, author=BOT, nonce=nonce)

    def _is_fresh(self, nonce: str) -> bool:
        known = self._nonces.get(nonce)
        return known is not None and self._now_ms() - made_at_ms(known["id"]) < NONCES_LAST.total_seconds() * 1000

    def _make(self, call: Call, channel: str, *, author: str, nonce: str | None) -> Reply:
        if len(call.body) > MOST_BYTES:
            return Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": "Request entity too large", "code": 40005})
        given, files = payload_of(call), parts_of(call)
        if wrong := faults_of(given, files):
            return Reply(HTTPStatus.BAD_REQUEST, {"message": "Invalid Form Body", "code": 50035, "errors": wrong})
        message_id = str(((self._now_ms() - EPOCH_MS) << 22) + len(self.messages))
        shown = {name: given.get(name) for name in ("content", "embeds", "flags", "allowed_mentions", "attachments")}
        message = {"id": message_id, "channel_id": channel, "author": {"id": author}, **shown}
        self.messages.append(message)
        self.posts.append(Posted(message_id, author, given.get("content", ""), message))
        if nonce:
            self._nonces[nonce] = message
        return self._limited(Reply(body=message))

    def _limited(self, reply: Reply) -> Reply:
        told = {
            "x-ratelimit-limit": "5",
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset-after": "1.5",
        }
        return Reply(reply.status, reply.body, {**reply.headers, **told})

    def _now_ms(self) -> int:
        return int(self.clock.now().timestamp() * 1000)


def made_at_ms(message_id: str) -> int:
    """When a message was made, as its id tells."""
    return (int(message_id) >> 22) + EPOCH_MS


def payload_of(call: Call) -> dict[str, Any]:
    """The message: the whole body, or the part of a form called `payload_json`."""
    parts = parts_of(call)
    return dict(json.loads(parts["payload_json"].text) if parts else call.json)


def faults_of(given: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    """What Discord finds wrong with a message, field by field."""
    if len(given.get("content", "")) > MOST_TEXT:
        return _fault("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    if len(given.get("nonce", "")) > 25:
        return _fault("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    if any(f"files[{one['id']}]" not in files for one in given.get("attachments", [])):
        return _fault("attachments", "UPLOAD_FILE_NOT_FOUND", "Uploaded file not found.")
    if not (given.get("content", "").strip() or given.get("embeds") or given.get("attachments")):
        return _fault("content", "BASE_TYPE_REQUIRED", "This field is required")
    return {}


def _fault(name: str, code: str, message: str) -> dict[str, Any]:
    return {name: {"_errors": [{"code": code, "message": message}]}}
