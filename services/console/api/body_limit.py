"""The limit of request bodies: none is read that is too long, or compressed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.api.errors import Refusal, refusal_response
from shared.messaging.envelope import MAX_BODY_BYTES

_AS_IT_IS = b"identity"


class BodyLimit:
    """ASGI middleware that refuses bodies that are too long, however they are sent, and those that are compressed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body as it comes in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise _too_long()
            return message

        if refusal := _refusal_of(dict(scope["headers"])):
            await refusal_response(refusal)(scope, receive, send)
            return
        await self._app(scope, counted, send)


def _refusal_of(headers: dict[bytes, bytes]) -> Refusal | None:
    """What its headers say against the body."""
    encoding = headers.get(b"content-encoding", _AS_IT_IS).strip().lower()
    if encoding != _AS_IT_IS:
        shown = encoding.decode("latin-1")
        reason = f"Content-Encoding: bodies are read as they are (got {shown!r}); send it uncompressed"
        return Refusal(415, "encoded", reason, field="Content-Encoding")
    return _too_long() if _announced(headers) > MAX_BODY_BYTES else None


def _too_long() -> Refusal:
    return Refusal(413, "too_long", f"the body has more than {MAX_BODY_BYTES:,} bytes: send it in parts")


def _announced(headers: dict[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
