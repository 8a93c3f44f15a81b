"""HEAD: answered like GET, without the body, on every route; a stream ends before its first line."""

import asyncio

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ONLY_LOOKED_AT = "timeball.head"


def is_only_looked_at(request: HTTPConnection) -> bool:
    """Whether whoever asks wants no answer but its headers: nothing may be used up or changed for that."""
    return _ONLY_LOOKED_AT in request.scope


class Heads:
    """ASGI middleware: the routes see a GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and leave the body out; what would go on sending is ended."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        is_streaming = asyncio.Event()

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif not is_streaming.is_set() and message.get("more_body"):
                is_streaming.set()

        working = asyncio.ensure_future(
            self._app({**scope, "method": "GET", _ONLY_LOOKED_AT: True}, receive, without_body)
        )
        streaming = asyncio.create_task(is_streaming.wait())
        try:
            await asyncio.wait((working, streaming), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
        finally:
            working.cancel()
            streaming.cancel()
            await asyncio.gather(working, streaming, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
