"""A social network on a loopback port: it keeps a ledger of every request, and goes wrong as a test asks."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.http_server import GARBAGE, Call, HttpServer, written


@dataclass(frozen=True)
class Request(Call):
    """What arrived."""

    @property
    def post_id(self) -> str:
        """The post that it carries or asks for."""
        return str(self.query["post_id"] if self.method == "GET" else json.loads(self.body)["data"]["post_id"])

    @property
    def appears_as(self) -> str:
        """Two requests with the same name are one post to whoever deduplicates by `webhook-id`."""
        return self.headers.get("webhook-id", f"{self.at.timestamp()}")


@dataclass(frozen=True)
class Answer:
    """How one request is answered; `accepts` says whether the post appears on the network all the same."""

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accepts: bool = True
    then: Literal["reply", "hang up", "hang", "babble"] = "reply"


ACCEPT = Answer()
LOST_REPLY = Answer(then="hang up")
HANG = Answer(then="hang")
BABBLE = Answer(then="babble")


def refuse(status: int, body: bytes = b"as asked", **headers: str) -> Answer:
    """A refusal with this status; `retry_after="2"` becomes `retry-after: 2`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body, named, accepts=False)


@dataclass
class Sink(HttpServer):
    """The network: what it was sent, what appears on it, and how it is to answer which post."""

    ledger: list[Request] = field(default_factory=list)
    answered: list[Request] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    slow: Callable[[Request], float] = lambda _: 0.0
    _appeared: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def will_answer(self, post_id: str, *answers: Answer) -> None:
        """Answer the next posts of this name so; after that, accept."""
        self.answers[post_id].extend(answers)

    def requests(self, post_id: str, method: str = "POST") -> list[Request]:
        """The requests about a post, in the order they came."""
        return [request for request in self.ledger if request.method == method and request.post_id == post_id]

    def appearances(self) -> Counter[str]:
        """How often each post is to be seen, a repeated `webhook-id` being one and the same."""
        return Counter({post_id: len(names) for post_id, names in self._appeared.items()})

    async def reply(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """Answer as asked; False when the connection is done for."""
        request = Request(**vars(call))
        self.ledger.append(request)
        answer = self._look_up(request) if request.method == "GET" else self._post(request)
        await asyncio.sleep(self.slow(request))
        if answer.then == "hang":
            await asyncio.Event().wait()
        if answer.then == "reply":
            writer.write(_written(answer, request))
        if answer.then == "babble":
            writer.write(GARBAGE)
        await writer.drain()
        self.answered.append(request)
        return answer.then == "reply"

    def _post(self, request: Request) -> Answer:
        scripted = self.answers.get(request.post_id)
        answer = scripted.pop(0) if scripted else ACCEPT
        if answer.accepts:
            self._appeared[request.post_id].add(request.appears_as)
        return answer

    def _look_up(self, request: Request) -> Answer:
        scripted = self.answers.get(f"look-up of {request.post_id}")
        if scripted:
            return scripted.pop(0)
        return ACCEPT if self._appeared.get(request.post_id) else refuse(404)


def _written(answer: Answer, request: Request) -> bytes:
    told: Any = {"id": f"id of {request.post_id}", "url": f"https://sink.example/{request.post_id}"}
    body = json.dumps(told).encode() if answer.body is None else answer.body
    return written(answer.status, body, answer.headers)
