"""The sandbox as an ASGI application."""

import asyncio
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.local.sandbox.pages import post_page, timeline_page
from deploy.local.sandbox.posts import Delivery, Fault, Post
from deploy.local.sandbox.timeline import Received, Timeline
from shared.clocks.clock import Clock, SystemClock

LARGEST_BODY = 1_048_576
REFUSALS = {
    "transient": (503, "out of order, as asked", {}),
    "permanent": (422, "this post is not wanted, as asked", {}),
    "rate_limited": (429, "too many posts, as asked", {"retry-after": "2"}),
}


def make_app(url: str, *, clock: Clock | None = None, slow_seconds: float = 30) -> Starlette:
    """The sandbox, which browsers find at `url`."""
    platform = Platform(Timeline(url), clock or SystemClock(), slow_seconds)
    routes = [
        Route("/", platform.show_timeline),
        Route("/p/{id}", platform.show_post),
        Route("/api/received", platform.list_received),
        Route("/healthz", platform.tell_health),
    ]
    for path in ("/posts", "/{account:path}/posts"):
        routes += [Route(path, platform.receive, methods=["POST"]), Route(path, platform.find, methods=["GET"])]
    return Starlette(routes=routes)


@dataclass(frozen=True)
class Platform:
    """What the network answers."""

    timeline: Timeline
    clock: Clock
    slow_seconds: float

    async def receive(self, request: Request) -> Response:
        """Accept a post, unless it asks for a fault."""
        received_at = self.clock.now()
        try:
            post = Delivery.model_validate_json(await _body(request)).data
            fault = post.fault
        except ValidationError as error:
            return _refusal(400, _first_mistake(error))
        except _TooLargeError:
            return _refusal(413, f"the body is larger than {LARGEST_BODY} bytes")
        except ClientDisconnect:
            return _refusal(400, "the client left before it had sent the whole body")
        if fault and self.timeline.attempt(post) <= fault.times:
            return await self._go_wrong(fault, post, request)
        return _reply(self.timeline.accept(post, received_at))

    async def _go_wrong(self, fault: Fault, post: Post, request: Request) -> Response:
        if fault.fail in REFUSALS:
            return _refusal(*REFUSALS[fault.fail])
        received = self.timeline.accept(post, self.clock.now())
        await (asyncio.sleep(self.slow_seconds) if fault.fail == "slow" else _hang_up(request))
        return _reply(received)

    async def find(self, request: Request) -> Response:
        """Look a post up by its key."""
        query = request.query_params
        known = self.timeline.find(query.get("post_id", ""), query.get("account_id", ""))
        return _reply(known) if known else _refusal(404, "no such post")

    async def list_received(self, _: Request) -> Response:
        """Everything remembered, in the order it came."""
        posts = [vars(received) | {"lateness_ms": received.lateness_ms} for received in self.timeline]
        everything = {"total": self.timeline.total, "repeats": self.timeline.repeats, "posts": posts}
        return Response(to_json(everything, inf_nan_mode="null"), media_type="application/json")

    async def show_timeline(self, _: Request) -> Response:
        """The newest posts for people."""
        return timeline_page(self.timeline)

    async def show_post(self, request: Request) -> Response:
        """One post for people."""
        received = self.timeline.by_id(request.path_params["id"])
        return post_page(received) if received else PlainTextResponse("no such post", 404)

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
    """Close the connection and see it gone."""
    request.state.transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _reply(received: Received) -> Response:
    return JSONResponse({"id": received.id, "url": received.url})


def _refusal(status: int, error: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": error}, status_code=status, headers=headers)


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, mistake["loc"])) or "body"
    return f"{place}: {mistake['msg']}"
