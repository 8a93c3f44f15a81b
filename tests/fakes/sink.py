"""A social network on a loopback port: it keeps a ledger of every request, and goes wrong as a test asks."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What arrived, and when its last byte did."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: datetime

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
    """How one request is answered; `accepts` says whether the post appears on the network all the same, and when."""

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accepts: bool = True
    after_seconds: float = 0.0
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
class Sink:
    """The network: what it was sent, what appears on it, and how it is to answer which post."""

    url: str = ""
    ledger: list[Request] = field(default_factory=list)
    answered: list[Request] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    slow: Callable[[Request], float] = lambda _: 0.0
    _appeared: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    def will_answer(self, post_id: str, *answers: Answer) -> None:
        """Answer the next posts of this name so; after that, accept."""
        self.answers[post_id].extend(answers)

    def requests(self, post_id: str, method: str = "POST") -> list[Request]:
        """The requests about a post, in the order they came."""
        return [request for request in self.ledger if request.method == method and request.post_id == post_id]

    def appearances(self) -> Counter[str]:
        """How often each post is to be seen, a repeated `webhook-id` being one and the same."""
        return Counter({post_id: len(names) for post_id, names in self._appeared.items()})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Sink"]:
        """Serve until the block ends."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                self.ledger.append(request)
                if not await self._reply(request, writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _reply(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer; False when the connection is done for."""
        answer = self._look_up(request) if request.method == "GET" else self._post(request)
        await asyncio.sleep(self.slow(request))
        if answer.then == "hang":
            await asyncio.Event().wait()
        if answer.then == "reply":
            writer.write(_written(answer, request))
        if answer.then == "babble":
            writer.write(b"\x00\xff this is not HTTP\r\n\r\n")
        await writer.drain()
        self.answered.append(request)
        return answer.then == "reply"

    def _post(self, request: Request) -> Answer:
        scripted = self.answers.get(request.post_id)
        answer = scripted.pop(0) if scripted else ACCEPT
        if answer.accepts:
            appear = self._appeared[request.post_id].add
            asyncio.get_running_loop().call_later(answer.after_seconds, appear, request.appears_as)
        return answer

    def _look_up(self, request: Request) -> Answer:
        scripted = self.answers.get(f"look-up of {request.post_id}")
        if scripted:
            return scripted.pop(0)
        return ACCEPT if self._appeared.get(request.post_id) else refuse(404)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, target, _ = first.split(" ")
    address = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    return Request(method, address.path, query, headers, body, datetime.now(UTC))


def _written(answer: Answer, request: Request) -> bytes:
    told: Any = {"id": f"id of {request.post_id}", "url": f"https://sink.example/{request.post_id}"}
    body = json.dumps(told).encode() if answer.body is None else answer.body
    headers = {"content-type": "application/json", "content-length": str(len(body)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Answer", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
