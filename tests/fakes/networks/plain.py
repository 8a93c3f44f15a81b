"""The other end of `sandbox` and `webhook`; it takes a repeated `webhook-id` for one and the same post."""

from dataclasses import dataclass, field
from http import HTTPStatus

from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Posted, Reply


@dataclass
class Plain(Network):
    """A receiver of posts; a GET looks one up."""

    _seen: dict[str, Posted] = field(default_factory=dict)

    def publishes(self, call: Call) -> bool:
        return call.method == "POST"

    def answer(self, call: Call) -> Reply:
        if call.method == "GET":
            return self._found(call.query["post_id"])
        webhook_id = call.headers.get("webhook-id")
        posted = self._seen.get(webhook_id) if webhook_id else None
        return _told(posted or self._take(call, webhook_id))

    def _take(self, call: Call, webhook_id: str | None) -> Posted:
        told = call.json["data"]
        posted = Posted(f"{len(self.posts) + 1} {told['post_id']}", told["account_id"], told["content"], told)
        self.posts.append(posted)
        if webhook_id:
            self._seen[webhook_id] = posted
        return posted

    def _found(self, post_id: str) -> Reply:
        found = next((one for one in self.posts if one.raw["post_id"] == post_id), None)
        return _told(found) if found else Reply(HTTPStatus.NOT_FOUND)


def _told(posted: Posted) -> Reply:
    return Reply(body={"id": posted.id, "url": f"https://plain.example/{posted.id}"})
