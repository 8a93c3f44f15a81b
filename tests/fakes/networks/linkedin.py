"""LinkedIn: versioned posts in "little text", pictures uploaded ahead, ids in a header, the refusal of duplicates."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.authority import Authority
from tests.fakes.networks.base import Network, Posted, Reply

ACTIVE_VERSIONS = ("202606", "202607", "202608", "202609", "202610")
LITTLE = re.compile(
    r"\{hashtag\|\\?\#\|(?P<tag>[^}]+)\} | @\[(?P<name>(?:\\.|[^\]])+)\]\(urn:li:\w+:[\w-]+\)"
    r"| \\(?P<escaped>.) | (?P<reserved>[|{}@\[\]()<>\#*_~]) | (?P<plain>.)",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class LinkedInFake(Network):
    """One member, who may post for organisations too."""

    clock: Clock = field(kw_only=True)
    authority: Authority = field(init=False)
    pictures: dict[str, bytes] = field(default_factory=dict)
    scope: str = "openid,profile,w_member_social"
    """What the tokens may do."""

    def __post_init__(self) -> None:
        self.authority = Authority(self.clock, timedelta(days=60), refresh_lasts=timedelta(days=365))

    def publishes(self, call: Call) -> bool:
        return call.path == "/rest/posts"

    def answer(self, call: Call) -> Reply:
        match call.path:
            case "/oauth/v2/authorization":
                return self.authority.page(call)
            case "/oauth/v2/accessToken":
                return self.authority.tokens(call)
            case "/oauth/v2/introspectToken":
                return self.authority.introspected(call, self.scope)
        if not self.authority.admits(call.token):
            return _refused(
                HTTPStatus.UNAUTHORIZED, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"
            )
        return self._admitted(call)

    def _admitted(self, call: Call) -> Reply:
        if call.path == "/v2/userinfo":
            return Reply(body={"sub": "h4rb-our", "name": "The Harbour"})
        if call.path.startswith("/upload/"):
            self.pictures[call.path.removeprefix("/upload/")] = call.body
            return Reply(HTTPStatus.CREATED, b"")
        return self._versioned(call)

    def _versioned(self, call: Call) -> Reply:
        version = call.headers.get("linkedin-version")
        if version not in ACTIVE_VERSIONS or call.headers.get("x-restli-protocol-version") != "2.0.0":
            message = f"Requested version {version}01 is not active"
            return _refused(HTTPStatus.UPGRADE_REQUIRED, "NONEXISTENT_VERSION", message)
        return self._post(call.json) if call.path == "/rest/posts" else self._begin_upload()

    def _begin_upload(self) -> Reply:
        urn = f"urn:li:image:C4E{len(self.pictures)}"
        self.pictures[urn] = b""
        return Reply(body={"value": {"uploadUrl": f"{self.url}/upload/{urn}", "image": urn, "uploadUrlExpiresAt": 1}})

    def _post(self, share: dict[str, Any]) -> Reply:
        shown = pictures_of(share)
        if any(not self.pictures.get(picture["id"]) for picture in shown):
            return _refused(HTTPStatus.BAD_REQUEST, "INVALID", "An image is not uploaded")
        if twin := next((one for one in self.posts if one.raw == share), None):
            message = f"Content is a duplicate of {twin.id}"
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, "DUPLICATE_POST", message)
        urn = f"urn:li:share:{7_400_000_000_000_000_000 + len(self.posts)}"
        self.posts.append(Posted(urn, share["author"], read(share["commentary"]), share))
        return Reply(HTTPStatus.CREATED, b"", {"x-restli-id": urn})


def pictures_of(share: dict[str, Any]) -> list[dict[str, str]]:
    """The pictures of a post."""
    content = share.get("content") or {}
    several: list[dict[str, str]] = content.get("multiImage", {}).get("images", [])
    return [content["media"]] if "media" in content else several


def read(commentary: str) -> str:
    """The text as a reader sees it: it ends at the first reserved character that stands for nothing."""
    text = ""
    for found in LITTLE.finditer(commentary):
        if found["reserved"]:
            break
        tag = f"#{found['tag']}" if found["tag"] else ""
        text += re.sub(r"\\(.)", r"\1", tag or found["name"] or "") or found["escaped"] or found["plain"]
    return text


def _refused(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"status": int(status), "code": code, "message": message})
