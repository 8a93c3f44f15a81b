"""Reddit as a reader sees it: sign-in of an app, listings with cursors, and a count of what may still be asked."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Reply

CLIENT_ID, CLIENT_SECRET = "app", "s3cret"
BEGINNING = datetime(2026, 11, 22, 9, tzinfo=UTC)
FIRST_ID = 36**5
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Thing:
    """A post (`t3`) or a comment (`t1`)."""

    name: str
    subreddit: str
    title: str
    text: str
    author: str
    created_at: datetime

    def told(self) -> dict[str, Any]:
        """As it stands in a listing."""
        kind, _, number = self.name.partition("_")
        words = (
            {"title": self.title, "selftext": self.text}
            if kind == "t3"
            else {"link_title": self.title, "body": self.text}
        )
        common = {
            "id": number,
            "subreddit": self.subreddit,
            "author": self.author,
            "permalink": f"/r/{self.subreddit}/comments/{number}/",
            "created_utc": self.created_at.timestamp(),
        }
        return {"kind": kind, "data": common | words}


@dataclass
class RedditListing(Network):
    """The things that were posted, and how the next listings go wrong (`faults`)."""

    things: list[Thing] = field(default_factory=list)
    closed: dict[str, Reply] = field(default_factory=dict)
    left: float = 99.0
    window_seconds: int = 600
    withheld: set[str] = field(default_factory=set)
    """What is left out of its page, which is the shorter for it."""

    tokens: set[str] = field(default_factory=set)
    posted: int = 0

    def publishes(self, call: Call) -> bool:
        """Faults befall listings."""
        return call.path.startswith("/r/")

    def post(self, subreddit: str, title: str, text: str = "", *, author: str = "ann") -> str:
        """Somebody posts; the post's full name."""
        return self._add("t3", subreddit, title, text, author)

    def comment(self, subreddit: str, text: str, *, title: str = "A post", author: str = "bob") -> str:
        """Somebody comments; the comment's full name."""
        return self._add("t1", subreddit, title, text, author)

    def hide(self, name: str) -> Thing:
        """Reddit's filter holds it back; `approve` lets it through, to where it belongs by its age."""
        hidden = next(thing for thing in self.things if thing.name == name)
        self.remove(name)
        return hidden

    def approve(self, thing: Thing) -> None:
        """A moderator lets it through."""
        self.things = sorted([*self.things, thing], key=lambda one: one.name)

    def remove(self, name: str) -> None:
        """It is gone from every listing, and as a place in one."""
        self.things = [thing for thing in self.things if thing.name != name]

    def close(self, subreddit: str, status: int = 403, reason: str = "private") -> None:
        """Nobody may read it, nor any group that it is in."""
        self.closed[subreddit.lower()] = Reply(status, {"reason": reason, "message": "Forbidden", "error": status})

    def listings(self) -> list[tuple[str, Mapping[str, str]]]:
        """The listings asked for so far: path and query."""
        return [(call.path, call.query) for call in self.calls if self.publishes(call)]

    def answer(self, call: Call) -> Reply:
        """Sign the app in, or list."""
        if call.path == "/api/v1/access_token":
            return self._sign_in(call)
        if call.token not in self.tokens:
            return Reply(401, {"message": "Unauthorized", "error": 401})
        self.left -= 1
        reply = self._list(call)
        limits = {"x-ratelimit-remaining": str(self.left), "x-ratelimit-reset": str(self.window_seconds)}
        return Reply(reply.status, reply.body, {**reply.headers, **limits})

    def _sign_in(self, call: Call) -> Reply:
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if call.token != known or call.form.get("grant_type") != "client_credentials":
            return Reply(401, {"message": "Unauthorized", "error": 401})
        token = f"token-{len(self.tokens)}"
        self.tokens.add(token)
        return Reply(body={"access_token": token, "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    def _list(self, call: Call) -> Reply:
        _, _, names, listing = call.path.split("/")
        wanted = {name.lower() for name in names.split("+")}
        for name in wanted & self.closed.keys():
            return self.closed[name]
        kind = {"new": "t3_", "comments": "t1_"}[listing]
        newest_first = [
            thing
            for thing in reversed(self.things)
            if thing.subreddit.lower() in wanted and thing.name.startswith(kind)
        ][:1000]
        page = _page(newest_first, call.query, min(int(call.query.get("limit", 25)), 100))
        after = page[-1].name if page and page[-1] is not newest_first[-1] else None
        children = [thing.told() for thing in page if thing.name not in self.withheld]
        return Reply(body={"kind": "Listing", "data": {"children": children, "after": after}})

    def _add(self, kind: str, subreddit: str, title: str, text: str, author: str) -> str:
        self.posted += 1
        name = f"{kind}_{_base36(FIRST_ID + self.posted)}"
        created_at = BEGINNING + timedelta(seconds=self.posted)
        self.things.append(Thing(name, subreddit, title, text, author, created_at))
        return name


def _page(newest_first: list[Thing], query: Mapping[str, str], limit: int) -> list[Thing]:
    """What is next to the place named; nothing where that is not in the listing."""
    names = [thing.name for thing in newest_first]
    if before := query.get("before"):
        place = names.index(before) if before in names else 0
        return newest_first[max(0, place - limit) : place]
    if after := query.get("after"):
        place = names.index(after) + 1 if after in names else len(names)
        return newest_first[place : place + limit]
    return newest_first[:limit]


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text
