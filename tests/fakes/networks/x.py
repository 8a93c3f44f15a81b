"""X: OAuth with rotated refresh tokens, posts with shortened links, pictures, the refusal of duplicates."""

import html
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.authority import Authority
from tests.fakes.networks.base import Network, Posted, Reply

ME = "4711"
LINK = re.compile(r"https?://\S+")
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."


@dataclass
class XFake(Network):
    """One account."""

    clock: Clock = field(kw_only=True)
    authority: Authority = field(init=False)
    alts: dict[str, str] = field(default_factory=dict)
    """By the picture's id; empty until it is told."""

    def __post_init__(self) -> None:
        self.authority = Authority(
            self.clock, timedelta(hours=2), rotates=True, names_client_by="basic", needs_pkce=True
        )

    def publishes(self, call: Call) -> bool:
        return (call.method, call.path) == ("POST", "/2/tweets")

    def answer(self, call: Call) -> Reply:
        match call.path:
            case "/i/oauth2/authorize":
                return self.authority.page(call)
            case "/2/oauth2/token":
                return self.authority.tokens(call)
        if not self.authority.admits(call.token):
            return Reply(HTTPStatus.UNAUTHORIZED, _problem("Unauthorized", "Unauthorized", HTTPStatus.UNAUTHORIZED))
        return self._admitted(call) or Reply(
            HTTPStatus.NOT_FOUND, _problem("Not Found", "No such resource.", HTTPStatus.NOT_FOUND)
        )

    def _admitted(self, call: Call) -> Reply | None:
        match call.path:
            case "/2/tweets":
                return self._post(call.json)
            case "/2/media/upload":
                return self._uploaded(call)
            case "/2/media/metadata":
                return self._described(call.json)
            case "/2/users/me":
                return Reply(body={"data": {"id": ME, "username": "harbour"}})
            case path if path == f"/2/users/{ME}/tweets":
                return self._list(call)
        return None

    def _post(self, told: dict[str, Any]) -> Reply:
        if any(posted.raw["told"] == told for posted in self.posts):
            return Reply(HTTPStatus.FORBIDDEN, _problem("Forbidden", DUPLICATE, HTTPStatus.FORBIDDEN))
        if unknown := set((told.get("media") or {}).get("media_ids", ())) - set(self.alts):
            errors = [{"message": f"Your media IDs are invalid: {unknown}."}]
            return Reply(HTTPStatus.BAD_REQUEST, {"errors": errors, "title": "Invalid Request"})
        identity = str(1_800_000_000_000_000_000 + len(self.posts))
        listed = {"id": identity, "created_at": self.clock.now().isoformat(timespec="milliseconds")} | shortened(told)
        self.posts.append(Posted(identity, ME, told["text"], told | {"told": told, "listed": listed}))
        body = {"data": {"id": identity, "text": listed["text"], "edit_history_tweet_ids": [identity]}}
        return Reply(HTTPStatus.CREATED, body, _limits(self.clock.now()))

    def _uploaded(self, call: Call) -> Reply:
        if call.json["media_category"] != "tweet_image":
            return Reply(HTTPStatus.BAD_REQUEST, {"errors": [{"message": "media_category"}]})
        identity = str(9000 + len(self.alts))
        self.alts[identity] = ""
        return Reply(body={"data": {"id": identity, "media_key": f"3_{identity}", "expires_after_secs": 86400}})

    def _described(self, told: dict[str, Any]) -> Reply:
        self.alts[told["id"]] = told["metadata"]["alt_text"]["text"]
        return Reply(body={"data": {"id": told["id"]}})

    def _list(self, call: Call) -> Reply:
        since = datetime.fromisoformat(call.query["start_time"])
        listed = [posted.raw["listed"] for posted in reversed(self.posts)]
        found = [one for one in listed if datetime.fromisoformat(one["created_at"]) >= since]
        return Reply(body={"data": found, "meta": {}} if found else {"meta": {"result_count": 0}})


def shortened(told: dict[str, Any]) -> dict[str, Any]:
    """The text as X gives it back: escaped, links by t.co, one more for pictures, a reply's addressee in front."""
    urls: list[dict[str, str]] = []
    text = html.escape(told["text"], quote=False)
    for link in LINK.findall(text):
        short = f"https://t.co/{len(urls)}aBc"
        text = text.replace(link, short)
        urls.append({"url": short, "expanded_url": html.unescape(link), "display_url": link[:20]})
    if told.get("media"):
        text += " https://t.co/pIc"
        urls.append({"url": "https://t.co/pIc", "expanded_url": f"https://x.com/harbour/status/1/photo/{len(urls)}"})
    if told.get("reply"):
        text = f"@pilot {text}"
    return {"text": text} | ({"entities": {"urls": urls}} if urls else {})


def _problem(title: str, detail: str, status: int) -> dict[str, Any]:
    return {"title": title, "detail": detail, "type": "about:blank", "status": int(status)}


def _limits(now: datetime) -> dict[str, str]:
    resets_at = str(int((now + timedelta(minutes=15)).timestamp()))
    return {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "99", "x-rate-limit-reset": resets_at}
