"""Request bodies: bounded, read as the strict events of the contract, and shown in the OpenAPI document."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.api.errors import Refusal, invalid, refusal_response
from services.console.requests.editing import Change, out_of_reach
from shared.events.explaining import explain
from shared.events.near_misses import near_misses, unknown_fields
from shared.events.reading import read_json, without_mark
from shared.events.requests import ScheduleBatchRequested, ScheduleRequested
from shared.messaging.envelope import MAX_BODY_BYTES

ModelT = TypeVar("ModelT", bound=BaseModel)

MOST_MISSPELT = 3
_AS_IT_IS = b"identity"
_COMPONENTS = "#/components/schemas/{model}"


def body_of(
    model: type[ModelT], *, may_be_empty: bool = False, takes_others: bool = True
) -> Callable[[Request], Awaitable[ModelT]]:
    """A dependency that reads the request's body as this model, as strictly as the broker's messages are read.

    With `takes_others` fields that it does not know are ignored.
    """

    async def read(request: Request) -> ModelT:
        raw = await request.body()
        asked = read_body(model, b"{}" if may_be_empty and not raw else raw)
        unknown = [] if takes_others else unknown_fields(from_json(without_mark(raw)), model)
        if unknown:
            raise Refusal(400, "invalid", "; ".join(unknown[:MOST_MISSPELT]), field=unknown[0].partition(":")[0])
        request.state.asked = asked
        return asked

    return read


def read_body(model: type[ModelT], raw: bytes) -> ModelT:
    """The body as this model, or the refusal that says what is wrong with it, nearly known fields included."""
    raw = without_mark(raw)
    if not raw.strip():
        raise Refusal(400, "invalid", "the body is empty; send a JSON object")
    try:
        read = read_json(model, raw)
    except ValidationError as error:
        raise invalid(error, **_rejected(raw, explain(error))) from error
    if misspelt := list(_misspelt(read, from_json(raw))):
        reason = "; ".join(misspelt[:MOST_MISSPELT])
        raise Refusal(400, "invalid", reason, field=reason.partition(":")[0], **_rejected(raw, reason))
    return read


def _misspelt(read: BaseModel, body: Any) -> Iterator[str]:
    """What would be ignored though it is nearly a field: what was asked for would be lost without a word."""
    yield from near_misses(body, type(read))
    if isinstance(read, ScheduleBatchRequested):
        for index, post in enumerate(body["posts"]):
            yield from (f"posts[{index}].{misspelt}" for misspelt in near_misses(post, ScheduleRequested))
    if isinstance(read, Change):
        yield from out_of_reach(body)


def json_object(raw: bytes, *, without: str) -> tuple[bytes, Any]:
    """The body without one field, and that field's value: secrets are taken out before any error could quote them."""
    try:
        body = json.loads(without_mark(raw))
    except (ValueError, RecursionError):
        raise Refusal(400, "invalid", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "invalid", "the body is not a JSON object")
    value = body.pop(without, None)
    return json.dumps(body).encode(), value


def _rejected(raw: bytes, reason: str) -> dict[str, Any]:
    """What a program that reads rejections finds beside the error, where the body names a post."""
    try:
        post_id = json.loads(raw).get("post_id")
    except (ValueError, AttributeError, RecursionError):
        return {}
    if not isinstance(post_id, str):
        return {}
    return {"post_id": post_id, "rejected": [{"post_id": post_id, "code": "invalid", "reason": reason}]}


def documented(model: type[BaseModel], *, may_be_empty: bool = False) -> dict[str, Any]:
    """The `openapi_extra` of a route whose body is read by `body_of`."""
    schema = {"$ref": _COMPONENTS.format(model=model.__name__)}
    return {"requestBody": {"required": not may_be_empty, "content": {"application/json": {"schema": schema}}}}


def schemas_of(*models: type[BaseModel]) -> dict[str, Any]:
    """The components that `documented` refers to, in which what need not be given may be null as well."""
    schemas: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(ref_template=_COMPONENTS)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    for schema in schemas.values():
        _let_optional_fields_be_null(schema)
    return schemas


def _let_optional_fields_be_null(schema: dict[str, Any]) -> None:
    null = {"type": "null"}
    fields = schema.get("properties", {})
    for name in fields.keys() - set(schema.get("required", ())):
        if null not in fields[name].get("anyOf", ()):
            fields[name] = {"anyOf": [fields[name], null]}


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
