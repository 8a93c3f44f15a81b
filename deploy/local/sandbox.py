"""The sandbox platform: a small server that stands for a social network, shows its posts, and fails on request.

A post may carry `options.sandbox`, `{"fail": KIND, "times": N}`: its first N attempts then go wrong in one way.

    transient      503
    permanent      422
    rate_limited   429 with Retry-After: 2
    lost_reply     the post is accepted, and the connection closed without a reply
    slow           the post is accepted, and the reply is 30 s late
"""

import argparse
import asyncio
import socket
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from html import escape
from itertools import islice
from secrets import token_hex
from typing import Annotated, Any, Literal

import uvicorn
from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.clock import Clock, SystemClock

REMEMBERED = 10_000
LARGEST_BODY = 1_048_576
SHOWN = 100

Name = Annotated[str, Field(min_length=1, max_length=500)]


class Fault(BaseModel):
    """What shall go wrong, and for how many attempts."""

    fail: Literal["transient", "permanent", "rate_limited", "lost_reply", "slow"]
    times: int = Field(default=1, ge=0)


class Options(BaseModel):
    """Of a post's options, those meant for the sandbox."""

    sandbox: Fault | None = None


class Post(BaseModel):
    """A post as it is sent."""

    post_id: Name
    account_id: Name
    content: str = ""
    media: list[Any] = []
    options: dict[str, Any] = {}
    publish_at: AwareDatetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What the sandbox tells posts apart by."""
        return self.post_id, self.account_id


class Delivery(BaseModel):
    """The body of a request."""

    type: Literal["post"]
    data: Post


@dataclass
class Received:
    """A post as the sandbox has it."""

    id: str
    url: str
    post_id: str
    account_id: str
    content: str
    media: list[Any]
    options: dict[str, Any]
    publish_at: datetime | None
    received_at: datetime
    repeats: int = 0

    @property
    def lateness_ms(self) -> float | None:
        """How long after its moment the post came."""
        if self.publish_at is None:
            return None
        return round((self.received_at - self.publish_at).total_seconds() * 1000, 3)

    def as_json(self) -> dict[str, Any]:
        """Everything known about it."""
        instants = {"publish_at": _text(self.publish_at), "received_at": _text(self.received_at)}
        return asdict(self) | instants | {"lateness_ms": self.lateness_ms}


@dataclass
class Timeline:
    """The posts received, each once, and the attempts made; the oldest are forgotten."""

    url: str
    size: int = REMEMBERED
    posts: OrderedDict[tuple[str, str], Received] = field(default_factory=OrderedDict)
    by_id: dict[str, Received] = field(default_factory=dict)
    attempts: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)
    total: int = 0
    repeats: int = 0

    def attempt(self, post: Post) -> int:
        """Count one more attempt at the post: 1 for the first."""
        count = self.attempts[post.key] = self.attempts.pop(post.key, 0) + 1
        if len(self.attempts) > self.size:
            self.attempts.popitem(last=False)
        return count

    def accept(self, post: Post, received_at: datetime) -> Received:
        """The post as received, now or before."""
        if known := self.posts.get(post.key):
            known.repeats += 1
            self.repeats += 1
            return known
        return self._remember(post, received_at)

    def newest(self, count: int) -> Iterator[Received]:
        """The latest posts, the last one first."""
        return islice(reversed(self.posts.values()), count)

    def _remember(self, post: Post, received_at: datetime) -> Received:
        post_id = f"sb-{token_hex(8)}"
        new = Received(post_id, f"{self.url}/p/{post_id}", received_at=received_at, **dict(post))
        self.posts[post.key] = self.by_id[new.id] = new
        self.total += 1
        if len(self.posts) > self.size:
            _, oldest = self.posts.popitem(last=False)
            del self.by_id[oldest.id]
        return new


@dataclass(frozen=True)
class Platform:
    """The network's HTTP interface."""

    timeline: Timeline
    clock: Clock
    delay: float = 30

    def routes(self) -> list[Route]:
        """Every address of the sandbox."""
        return [
            Route("/", self.show_timeline),
            Route("/p/{id}", self.show_post),
            Route("/api/received", self.list_received),
            Route("/healthz", self.tell_health),
            *self._posts("/posts"),
            *self._posts("/{account:path}/posts"),
        ]

    def _posts(self, path: str) -> list[Route]:
        return [Route(path, self.receive, methods=["POST"]), Route(path, self.find, methods=["GET"])]

    async def receive(self, request: Request) -> Response:
        """Accept a post, unless it asks for a fault."""
        received_at = self.clock.now()
        try:
            post = Delivery.model_validate_json(await _body(request)).data
            fault = Options.model_validate(post.options).sandbox
        except ValidationError as error:
            return _refusal(_first_mistake(error))
        except _TooLargeError:
            return _refusal(f"the body is larger than {LARGEST_BODY} bytes", status=413)
        if fault and self.timeline.attempt(post) <= fault.times:
            return await self._go_wrong(fault, post, received_at, request)
        return _reply(self.timeline.accept(post, received_at))

    async def _go_wrong(self, fault: Fault, post: Post, received_at: datetime, request: Request) -> Response:
        match fault.fail:
            case "transient":
                return _refusal("the sandbox is out of order, as asked", status=503)
            case "permanent":
                return _refusal("the sandbox does not want this post, as asked", status=422)
            case "rate_limited":
                return _refusal("too many posts, as asked", status=429, headers={"retry-after": "2"})
        received = self.timeline.accept(post, received_at)
        await (asyncio.sleep(self.delay) if fault.fail == "slow" else _hang_up(request))
        return _reply(received)

    async def find(self, request: Request) -> Response:
        """Look a post up by its key."""
        query = request.query_params
        known = self.timeline.posts.get((query.get("post_id", ""), query.get("account_id", "")))
        return _reply(known) if known else _refusal("no such post", status=404)

    async def list_received(self, _: Request) -> Response:
        """Everything remembered, in the order it came."""
        posts = [received.as_json() for received in self.timeline.posts.values()]
        return JSONResponse({"total": self.timeline.total, "repeats": self.timeline.repeats, "posts": posts})

    async def show_timeline(self, _: Request) -> Response:
        """The newest posts for people, renewed by itself."""
        rows = "".join(_row(received) for received in self.timeline.newest(SHOWN))
        count = f"<p>{self.timeline.total} posts, {self.timeline.repeats} repeats</p>"
        head = "<tr><th>received<th>late by<th>account<th>post</tr>"
        return _page("Sandbox", f"{count}<table>{head}{rows}</table>", refresh=True)

    async def show_post(self, request: Request) -> Response:
        """One post for people."""
        received = self.timeline.by_id.get(request.path_params["id"])
        if received is None:
            return PlainTextResponse("no such post", status_code=404)
        return _page(received.id, f"<table>{_row(received)}</table><p><a href='/'>all posts</a></p>")

    async def tell_health(self, _: Request) -> Response:
        """Alive."""
        return PlainTextResponse("ok")


class _TooLargeError(Exception):
    """The body is larger than the sandbox reads."""


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _TooLargeError
    return bytes(body)


async def _hang_up(request: Request) -> None:
    """Close the connection, which is known only on a real server, and see it gone."""
    request.state.transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _reply(received: Received) -> Response:
    return JSONResponse({"id": received.id, "url": received.url})


def _refusal(error: str, *, status: int = 400, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": error}, status_code=status, headers=headers)


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, mistake["loc"])) or "body"
    return f"{place}: {mistake['msg']}"


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds") if instant else None


def _row(received: Received) -> str:
    late = "" if received.lateness_ms is None else f"{received.lateness_ms:.1f} ms"
    again = f" (sent {received.repeats + 1} times)" if received.repeats else ""
    cells = [str(_text(received.received_at)), late, received.account_id, received.content]
    shown = "".join(f"<td>{escape(cell)}" for cell in cells)
    return f"<tr>{shown}{again} <a href='/p/{received.id}'>{received.id}</a></tr>"


def _page(title: str, body: str, *, refresh: bool = False) -> Response:
    again = "<meta http-equiv='refresh' content='2'>" if refresh else ""
    style = "<style>body{font:15px sans-serif;margin:2em}td,th{padding:.3em 1em;text-align:left}</style>"
    html = f"<!doctype html><meta charset='utf-8'>{again}<title>{title}</title>{style}<h1>{title}</h1>{body}"
    return HTMLResponse(html, headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"})


class _Protocol(H11Protocol):
    """HTTP whose connection a request can close."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = self.app_state | {"transport": transport}


def make_app(url: str, *, clock: Clock | None = None, delay: float = 30) -> Starlette:
    """The sandbox as an ASGI application that knows itself by `url`."""
    platform = Platform(Timeline(url), clock or SystemClock(), delay)
    return Starlette(routes=platform.routes(), exception_handlers={ClientDisconnect: _nobody_there})


async def _nobody_there(_: Request, __: Exception) -> Response:
    return PlainTextResponse("the client has gone", status_code=400)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.sandbox", description="The sandbox platform.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 takes any free one")
    parser.add_argument("--url", help="where browsers find it (http://127.0.0.1:PORT)")
    parser.add_argument("--slow-seconds", type=float, default=30, help="the delay of a slow reply")
    options = parser.parse_args()
    listener = socket.create_server((options.host, options.port), backlog=1024)
    url = options.url or f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        make_app(url, delay=options.slow_seconds),
        http=_Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    print(f"Sandbox platform at {url}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
