"""Reddit: OAuth, submissions with their errors in replies of status 200, and the lists of what an account submitted."""

from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.authority import Authority
from tests.fakes.networks.base import Network, Posted, Reply
from tests.fakes.networks.reddit_store import RedditStore

ME = "harbour_master"
MOST_TITLE = 300
SUBMIT, SUBMIT_GALLERY = "/api/submit", "/api/submit_gallery_post.json"
Form = dict[str, Any]


@dataclass
class RedditFake(Network):
    """One account, which may post in every subreddit but `nowhere`."""

    clock: Clock = field(kw_only=True)
    authority: Authority = field(init=False)
    store: RedditStore = field(default_factory=RedditStore)
    lists_without_the_newest: int = 0
    """How many lists are still told without the latest post: a picture's appears only after a while."""

    def __post_init__(self) -> None:
        self.authority = Authority(self.clock, timedelta(hours=1), names_client_by="basic")

    def publishes(self, call: Call) -> bool:
        return call.path in (SUBMIT, SUBMIT_GALLERY)

    def answer(self, call: Call) -> Reply:
        if call.path == self.store.path:
            return self.store.upload(call)
        if "timeball" not in call.headers.get("user-agent", "") and call.path != "/api/v1/authorize":
            return Reply(HTTPStatus.TOO_MANY_REQUESTS, {"message": "Too Many Requests", "error": 429})
        match call.path:
            case "/api/v1/authorize":
                return self.authority.page(call)
            case "/api/v1/access_token":
                return self.authority.tokens(call)
        if not self.authority.admits(call.token):
            return Reply(HTTPStatus.UNAUTHORIZED, {"message": "Unauthorized", "error": 401})
        return self._admitted(call)

    def _admitted(self, call: Call) -> Reply:
        match call.path:
            case "/api/submit":
                return self._submit(call.form)
            case "/api/submit_gallery_post.json":
                return self._submit(call.json | {"kind": "gallery"})
            case "/api/media/asset.json":
                return self.store.lend(call.form, self.url)
            case "/api/v1/me":
                return Reply(body={"name": ME})
            case path if path == f"/user/{ME}/submitted":
                return self._list(int(call.query["limit"]))
        return Reply(HTTPStatus.NOT_FOUND, {"message": "Not Found", "error": 404})

    def _list(self, limit: int) -> Reply:
        newest_first = [{"kind": "t3", "data": posted.raw["listed"]} for posted in reversed(self.posts)]
        if self.lists_without_the_newest:
            self.lists_without_the_newest -= 1
            del newest_first[:1]
        shown = newest_first[:limit]
        after = shown[-1]["data"]["name"] if len(newest_first) > limit else None
        return Reply(body={"kind": "Listing", "data": {"children": shown, "after": after}})

    def _submit(self, form: Form) -> Reply:
        if error := self._error(form) or self.store.problem_with(form):
            return told([error])
        identity = f"{len(self.posts) + 1:x}"
        posted = Posted(f"t3_{identity}", ME, f"{form['title']}\n{form['text']}".strip(), self._stored(form, identity))
        self.posts.append(posted)
        url = f"https://www.reddit.com{posted.raw['listed']['permalink']}"
        match form["kind"]:
            case "image":
                pages = {"user_submitted_page": f"https://www.reddit.com/user/{ME}/submitted/"}
                return told([], pages | {"websocket_url": "wss://ws.example/image"})
            case "gallery":
                return told([], {"url": url, "id": posted.id})
        return told([], {"url": url, "id": identity, "name": posted.id, "drafts_count": 0})

    def _error(self, form: Form) -> list[str] | None:
        if form["sr"] == "nowhere":
            return ["SUBREDDIT_NOEXIST", "Hmm, that community doesn't exist. Try checking the spelling.", "sr"]
        if not form.get("title"):
            return ["NO_TEXT", "we need something here", "title"]
        if len(form["title"]) > MOST_TITLE:
            return ["TOO_LONG", "this is too long (max: 300)", "title"]
        links = [posted.raw.get("url") for posted in self.posts if posted.raw["sr"] == form["sr"]]
        if form["kind"] == "link" and form["url"] in links and form["resubmit"] != "true":
            return ["ALREADY_SUB", "This community doesn't allow links to be posted more than once.", "url"]
        return None

    def _stored(self, form: Form, identity: str) -> Form:
        permalink = f"/r/{form['sr']}/comments/{identity}/a_title/"
        listed = {
            "name": f"t3_{identity}",
            "subreddit": form["sr"].capitalize(),
            "title": form["title"],
            "is_self": form["kind"] == "self",
            "selftext": form["text"].replace("\n", "\r\n"),
            "url": form.get("url", f"https://www.reddit.com{permalink}"),
            "permalink": permalink,
            "created_utc": float(int(self.clock.now().timestamp())),
        }
        pictures = [self.store.pictures[one] for one in self.store.shown_by(form)]
        return form | {"pictures": pictures, "listed": listed | self.store.hints_of(form)}


def told(errors: list[list[str]], data: dict[str, Any] | None = None) -> Reply:
    """A reply of `/api/submit`."""
    allowance = {"x-ratelimit-remaining": "96.0", "x-ratelimit-used": "4", "x-ratelimit-reset": "321"}
    return Reply(body={"json": {"errors": errors} | ({"data": data} if data else {})}, headers=allowance)
