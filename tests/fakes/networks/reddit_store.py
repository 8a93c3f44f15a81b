"""Where Reddit has pictures uploaded: a place is lent for each, in a store with a language and rules of its own."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tests.fakes.http_server import Call
from tests.fakes.networks.base import Reply
from tests.fakes.networks.multipart import parts_of

TYPES = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}
MOST_BYTES = 20 * 1024 * 1024
MOST_CAPTION = 180
Form = dict[str, Any]


@dataclass
class RedditStore:
    """Places by the picture's id, and the pictures that were uploaded to them."""

    path: str = "/reddit-uploaded-media"
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    refusals: list[Reply] = field(default_factory=list)
    """What the next uploads get instead."""

    def lend(self, form: Form, network_url: str) -> Reply:
        """A place for one picture, and what gives access to it."""
        mime = form.get("mimetype", "")
        if mime not in TYPES or not form.get("filepath"):
            return Reply(HTTPStatus.BAD_REQUEST, {"message": "Bad Request", "error": 400})
        identity = f"asset{len(self.places)}"
        self.places[identity] = {
            "acl": "private",
            "key": f"rte_images/{identity}",
            "x-amz-security-token": f"store-s3cret-{identity}",
            "success_action_status": "201",
            "Content-Type": mime,
        }
        fields = [{"name": name, "value": value} for name, value in self.places[identity].items()]
        asset = {
            "asset_id": identity,
            "processing_state": "incomplete",
            "websocket_url": f"wss://ws.example/{identity}",
        }
        return Reply(body={"args": {"action": f"{network_url}{self.path}", "fields": fields}, "asset": asset})

    def upload(self, call: Call) -> Reply:
        """Take a picture whose form is the one of its place, with the file last, as the store's own rules are."""
        if self.refusals:
            return self.refusals.pop(0)
        parts = parts_of(call)
        fields = {name: part.text for name, part in parts.items() if name != "file"}
        identity = fields.get("key", "").removeprefix("rte_images/")
        if self.places.get(identity) != fields:
            return refused(HTTPStatus.FORBIDDEN, "AccessDenied", fields.get("x-amz-security-token", ""))
        if "authorization" in call.headers or "content-length" not in call.headers or list(parts)[-1:] != ["file"]:
            return refused(HTTPStatus.BAD_REQUEST, "InvalidRequest")
        if len(parts["file"].data) > MOST_BYTES:
            return refused(HTTPStatus.BAD_REQUEST, "EntityTooLarge")
        self.pictures[identity] = parts["file"].data
        return Reply(HTTPStatus.CREATED, b"<PostResponse></PostResponse>", {"content-type": "application/xml"})

    def problem_with(self, form: Form) -> list[str] | None:
        """What Reddit has against the pictures of a post: each must have been uploaded."""
        if form["kind"] == "image" and not self.shown_by(form):
            return ["BAD_URL", "you should check that url", "url"]
        if form["kind"] != "gallery":
            return None
        if len(form["items"]) < 2:
            return ["placeholder", "List is too short.", "items"]
        if any(item["media_id"] not in self.pictures for item in form["items"]):
            return ["INVALID_MEDIA_ASSETS", "All Media assets must be owned by the submitter of this post", "items"]
        if any(len(item["caption"]) > MOST_CAPTION for item in form["items"]):
            return ["TOO_LONG", "this is too long (max: 180)", "items"]
        return None

    def shown_by(self, form: Form) -> list[str]:
        """The ids of the pictures of a post."""
        match form["kind"]:
            case "gallery":
                return [item["media_id"] for item in form["items"]]
            case "image":
                identity = form["url"].partition(f"{self.path}/rte_images/")[2]
                return [identity] if identity in self.pictures else []
        return []

    def hints_of(self, form: Form) -> Form:
        """What a list tells of a post with pictures, a single one of which is moved."""
        match form["kind"], self.shown_by(form):
            case "gallery", _:
                return {"is_gallery": True}
            case "image", [identity]:
                url = f"https://i.redd.it/{identity}.{TYPES[self.places[identity]['Content-Type']]}"
                return {"post_hint": "image", "domain": "i.redd.it", "url": url}
        return {}


def refused(status: int, code: str, said: str = "") -> Reply:
    """A refusal as the store words it, which may repeat what it was asked with."""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message><Token>{said}</Token></Error>'
    return Reply(status, body.encode(), {"content-type": "application/xml"})
