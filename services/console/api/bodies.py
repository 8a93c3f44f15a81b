"""Request bodies: read as the strict events of the contract, and shown in the OpenAPI document."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from services.console.api.errors import Refusal, invalid
from services.console.requests.editing import Change, out_of_reach
from shared.events.explaining import explain
from shared.events.near_misses import near_misses, unknown_fields
from shared.events.reading import read_json, without_mark
from shared.events.requests import ScheduleBatchRequested, ScheduleRequested

ModelT = TypeVar("ModelT", bound=BaseModel)

MOST_MISSPELT = 3
COMPONENTS = "#/components/schemas/{model}"
"""Where the OpenAPI document has the schema of a model."""


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
    schema = {"$ref": COMPONENTS.format(model=model.__name__)}
    return {"requestBody": {"required": not may_be_empty, "content": {"application/json": {"schema": schema}}}}
