"""A server with Mastodon's API: keys of an hour, pictures that take their time, and statuses as HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from html import escape
from typing import Any

from shared.clocks.clock import Clock, SystemClock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Posted, Reply

KEYS_KEPT_FOR = timedelta(hours=1)
ACCOUNT_ID = "1092"
MOST_CHARACTERS = 500
POLLS_UNTIL_READY = 2


@dataclass(frozen=True)
class Refusal(Exception):
    """An error as the API tells it."""

    status: int
    error: str
    is_replayed: bool = False


@dataclass
class Picture:
    """An upload; it is ready after it has been asked for so often."""

    description: str | None
    polls_left: int
    is_attached: bool = False


@dataclass
class Mastodon(Network):
    """One account's server."""

    clock: Clock = field(default_factory=SystemClock)
    tokens: list[str] = field(default_factory=lambda: ["token-0-of-the-harbour"])
    remaining: int = 300
    polls_until_ready: int = POLLS_UNTIL_READY
    """How often a new upload is asked for before it is ready."""
    pictures: dict[str, Picture] = field(default_factory=dict)
    instance: Mapping[str, Any] | None = None
    hides_latest: bool = False
    """Whether the latest status is in no list yet."""
    refused: set[str] = field(default_factory=set)
    """Keys that are answered 429 for ever, as Pleroma does whose first answer was that."""
    _by_key: dict[str, tuple[datetime, Posted]] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The one that is good."""
        return self.tokens[-1]

    def revoke(self) -> None:
        """The token is no longer good; a person gets another one."""
        self.tokens.append(f"token-{len(self.tokens)}-of-the-harbour")

    def publishes(self, call: Call) -> bool:
        return (call.method, call.path) == ("POST", "/api/v1/statuses")

    def answer(self, call: Call) -> Reply:
        try:
            return self._route(call)
        except Refusal as refusal:
            replayed = {"idempotent-replayed": "true"} if refusal.is_replayed else {}
            return Reply(refusal.status, {"error": refusal.error}, self._limits() | replayed)

    def _route(self, call: Call) -> Reply:
        if call.path.endswith("/instance"):
            return Reply(404) if self.instance is None else Reply(body=self.instance)
        if call.token != self.token:
            raise Refusal(401, "The access token is invalid")
        match call.method, call.path.split("/")[2:]:
            case "POST", ["v1", "statuses"]:
                return Reply(body=self._publish(call).raw, headers=self._limits())
            case "POST", ["v2", "media"]:
                return self._upload(call)
            case "GET", ["v1", "media", media_id]:
                return self._poll(media_id)
            case "GET", ["v1", "accounts", "verify_credentials"]:
                return Reply(body={"id": ACCOUNT_ID, "acct": "harbour"})
            case "GET", ["v1", "accounts", account_id, "statuses"] if account_id == ACCOUNT_ID:
                return Reply(body=self._statuses(call))
        raise Refusal(404, "Record not found")

    def _limits(self) -> dict[str, str]:
        resets_at = self.clock.now() + timedelta(minutes=5)
        return {
            "X-RateLimit-Limit": "300",
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": resets_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }

    def _publish(self, call: Call) -> Posted:
        """A repeated key within the hour makes nothing new."""
        now, key = self.clock.now(), call.headers.get("idempotency-key", "")
        if key in self.refused:
            raise Refusal(429, "Throttled", is_replayed=True)
        kept_at, known = self._by_key.get(key, (now, None))
        if known and now - kept_at < KEYS_KEPT_FOR:
            return known
        posted = self._make(call.json, now)
        self._by_key[key] = (now, posted)
        self.remaining -= 1
        self.posts.append(posted)
        return posted

    def _make(self, asked: Mapping[str, Any], now: datetime) -> Posted:
        text, pictures = asked.get("status") or "", [self._picture(one) for one in asked.get("media_ids") or []]
        self._check(text, asked, pictures)
        for picture in pictures:
            picture.is_attached = True
        status_id = str(110_000_000_000_000_000 + len(self.posts))
        attachments = [{"type": "image", "description": picture.description} for picture in pictures]
        made = {
            "id": status_id,
            "url": f"{self.url}/@harbour/{status_id}",
            "uri": f"{self.url}/users/harbour/statuses/{status_id}",
            "created_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "content": html_of(text),
            "visibility": asked.get("visibility") or "public",
            "spoiler_text": asked.get("spoiler_text") or "",
            "sensitive": asked.get("sensitive") or False,
            "language": asked.get("language") or "en",
            "media_attachments": attachments,
        }
        return Posted(status_id, ACCOUNT_ID, text, made)

    def _check(self, text: str, asked: Mapping[str, Any], pictures: list[Picture]) -> None:
        if not text and not pictures:
            raise Refusal(422, "Validation failed: Text can't be blank")
        if len(text) > MOST_CHARACTERS:
            raise Refusal(422, f"Validation failed: Text character limit of {MOST_CHARACTERS} exceeded")
        if asked.get("visibility", "public") not in ("public", "unlisted", "private", "direct"):
            raise Refusal(422, "Validation failed: Visibility is not included in the list")
        if any(picture.polls_left for picture in pictures):
            raise Refusal(422, "Cannot attach files that have not finished processing. Try again in a moment!")

    def _picture(self, media_id: str) -> Picture:
        picture = self.pictures.get(media_id)
        if picture is None or picture.is_attached:
            raise Refusal(422, "Validation failed: Media could not be found")
        return picture

    def _upload(self, call: Call) -> Reply:
        message = message_from_bytes(
            b"content-type: " + call.headers["content-type"].encode() + b"\r\n\r\n" + call.body
        )
        parts = {str(part.get_param("name", header="content-disposition")): part for part in message.walk()}
        if "file" not in parts:
            raise Refusal(422, "Validation failed: File can't be blank")
        told = parts["description"].get_payload(decode=True) if "description" in parts else None
        media_id = str(len(self.pictures) + 22_348_641)
        self.pictures[media_id] = Picture(told.decode() if isinstance(told, bytes) else None, self.polls_until_ready)
        return Reply(202, {"id": media_id, "type": "image", "url": None})

    def _poll(self, media_id: str) -> Reply:
        picture = self._picture(media_id)
        picture.polls_left = max(0, picture.polls_left - 1)
        return Reply(206 if picture.polls_left else 200, {"id": media_id, "type": "image"})

    def _statuses(self, call: Call) -> list[Any]:
        """The latest first."""
        before = int(call.query.get("max_id", "9" * 18))
        listed = self.posts[:-1] if self.hides_latest else self.posts
        older = [posted.raw for posted in reversed(listed) if int(posted.id) < before]
        return older[: min(int(call.query.get("limit", "20")), 40)]


def html_of(text: str) -> str:
    """A status as Mastodon marks it up: shortened links, mentions without their server, hashtags in spans."""
    marked = escape(text, quote=True)
    marked = re.sub(
        r"(?<!\w)@(\w+)(?:@[\w.]+)?", r'<span class="h-card"><a href="x">@<span>\1</span></a></span>', marked
    )
    marked = re.sub(r"(?<![\w&;])#(\w+)", r'<a href="x" class="mention hashtag" rel="tag">#<span>\1</span></a>', marked)
    marked = re.sub(r"https://(\S{0,30})(\S*)", _link, marked)
    paragraphs = [paragraph.replace("\n", "<br />") for paragraph in marked.split("\n\n")]
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _link(match: "re.Match[str]") -> str:
    shown, hidden = match.groups()
    spans = f'<span class="invisible">https://</span><span class="ellipsis">{shown}</span>'
    return f'<a href="{match[0]}" rel="nofollow">{spans}<span class="invisible">{hidden}</span></a>'
