"""Telegram's Bot API: chats that a bot may write to or not, flood limits told in the body, no memory of requests."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from shared.clocks.clock import Clock, SystemClock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Posted, Reply
from tests.fakes.networks.multipart import Part, parts_of

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CHANNEL = {"id": -1001234567890, "type": "channel", "title": "Harbour", "username": "harbour"}
GROUP = {"id": -1009876543210, "type": "supergroup", "title": "Crew"}
PERSON = {"id": 4711, "type": "private", "username": "captain"}
OLD_GROUP, KICKED = -4242, -1005555555555
METHODS = ("sendMessage", "sendPhoto", "sendAnimation", "sendMediaGroup")
OBJECTS = ("media", "link_preview_options", "disable_notification", "protect_content")
TAGS = re.compile(r"</?(?:b|i|u|s|code|pre|a)(?: href=\"[^\"]*\")?>")


@dataclass
class Telegram(Network):
    """The API of one bot; more than `most_per_minute` messages in a chat are refused."""

    clock: Clock = field(default_factory=SystemClock)
    token: str = TOKEN
    most_per_minute: int = 1000
    _sent_at: list[Any] = field(default_factory=list)

    def publishes(self, call: Call) -> bool:
        return call.path.rpartition("/")[2] in METHODS

    def answer(self, call: Call) -> Reply:
        _, bot, method = call.path.split("/", 2)
        if bot != f"bot{self.token}":
            return refused(401, "Unauthorized")
        if method == "getChat":
            chat = chat_named(parameters_of(call).get("chat_id"))
            return chat if isinstance(chat, Reply) else Reply(body={"ok": True, "result": dict(chat)})
        if method not in METHODS:
            return refused(404, "Not Found")
        return self._send(method, parameters_of(call), parts_of(call))

    def _send(self, method: str, given: Mapping[str, Any], files: Mapping[str, Part]) -> Reply:
        chat = chat_named(given.get("chat_id"))
        if isinstance(chat, Reply):
            return chat
        if wait := self._flood_wait():
            description = f"Too Many Requests: retry after {wait}"
            return refused(429, description, parameters={"retry_after": wait})
        items = items_of(method, given)
        if problem := problem_with(method, items, files):
            return refused(400, f"Bad Request: {problem}")
        ids = [100 + len(self._sent_at) + number for number in range(1, len(items) + 1)]
        self._sent_at += [self.clock.now()] * len(items)
        text = text_of(items[0])
        pictures = [files[file_of(item)] for item in items if method != "sendMessage"]
        raw = {"method": method, **given, "text": text, "pictures": pictures}
        self.posts.append(Posted(str(ids[0]), str(chat["id"]), text, raw))
        messages = [{"message_id": one, "chat": dict(chat), "date": 0} for one in ids]
        return Reply(body={"ok": True, "result": messages if method == "sendMediaGroup" else messages[0]})

    def _flood_wait(self) -> int:
        """Whole seconds until a minute has room for another message, as `retry_after` tells them."""
        minute = timedelta(minutes=1)
        recent = [at for at in self._sent_at if self.clock.now() - at < minute]
        if len(recent) < self.most_per_minute:
            return 0
        return int((recent[0] + minute - self.clock.now()).total_seconds()) + 1


def refused(code: int, description: str, **more: Any) -> Reply:
    """A refusal as the Bot API words it."""
    return Reply(HTTPStatus(code), {"ok": False, "error_code": code, "description": description, **more})


def chat_named(chat_id: Any) -> Mapping[str, Any] | Reply:
    """The chat, or why the bot cannot write to it."""
    known = {"@harbour": CHANNEL, **{str(chat["id"]): chat for chat in (CHANNEL, GROUP, PERSON)}}
    if str(chat_id) == str(OLD_GROUP):
        moved = {"migrate_to_chat_id": GROUP["id"]}
        return refused(400, "Bad Request: group chat was upgraded to a supergroup chat", parameters=moved)
    if str(chat_id) == str(KICKED):
        return refused(403, "Forbidden: bot was kicked from the channel chat")
    return known.get(str(chat_id)) or refused(400, "Bad Request: chat not found")


def parameters_of(call: Call) -> dict[str, Any]:
    """What is asked for: JSON, or a form whose objects are JSON."""
    if call.json is not None:
        return dict(call.json)
    fields = {name: part.text for name, part in parts_of(call).items() if not part.filename}
    return {name: json.loads(text) if name in OBJECTS else text for name, text in fields.items()}


def items_of(method: str, given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages that a call makes."""
    if method == "sendMediaGroup":
        return list(given["media"])
    return [{**given, "media": f"attach://{method.removeprefix('send').lower()}"}]


def file_of(item: Mapping[str, Any]) -> str:
    """The part of the form that holds the picture."""
    return str(item["media"]).removeprefix("attach://")


def text_of(item: Mapping[str, Any]) -> str:
    """The text or caption without its markup."""
    text = str(item.get("text", item.get("caption", "")))
    return TAGS.sub("", text) if item.get("parse_mode") == "HTML" else text


def problem_with(method: str, items: list[Mapping[str, Any]], files: Mapping[str, Part]) -> str | None:
    """What Telegram does not like about them."""
    text = text_of(items[0])
    if items[0].get("parse_mode") == "HTML" and "<" in text:
        return "can't parse entities"
    if method == "sendMessage":
        return _length_problem(text, 4096, "message is too long", needs_text=True)
    if method == "sendMediaGroup" and not 2 <= len(items) <= 10:
        return "group send failed"
    if any(file_of(item) not in files for item in items):
        return "there is no photo in the request"
    return _length_problem(text, 1024, "message caption is too long")


def _length_problem(text: str, most: int, problem: str, *, needs_text: bool = False) -> str | None:
    if needs_text and not text.strip():
        return "message text is empty"
    return problem if len(text) > most else None
