"""One post of a file, checked as far as it can be without asking anybody."""

import json
from datetime import datetime

from pydantic import ValidationError
from pydantic_core import from_json

from services.console.imports.lines import Body
from shared.clocks.local_time import in_utc, zone_named
from shared.events.explaining import explain
from shared.events.near_misses import near_misses
from shared.events.reading import read_json
from shared.events.requests import LocalTime, PublishAt, ScheduleRequested

_A_POST = '{"post_id": "a-1", "content": "Hello", "targets": [{"account_id": "team"}]}'


class Fault(ValueError):
    """What is wrong with a post; the text names the field, the value and the way out."""


def post_in(body: str) -> Body:
    """The post in a JSON text, without what is usual; or Fault."""
    try:
        request = read_json(ScheduleRequested, body.encode())
    except ValidationError as error:
        raise Fault("; ".join((*_misspelt(body), _explained(error)))) from None
    if misspelt := _misspelt(body):
        raise Fault("; ".join(misspelt))
    _check_texts(request)
    due_times(request)
    return request.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _explained(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if not first["loc"] and first["type"] == "model_type":
        return f"it is no object, which a post is: {_A_POST}"
    if first["type"] != "json_invalid":
        return explain(error)
    return f"not JSON: {first['ctx']['error']}".replace("at line 1 column", "at character")


def _misspelt(body: str) -> list[str]:
    try:
        return near_misses(from_json(body), ScheduleRequested)
    except ValueError:
        return []


def _check_texts(request: ScheduleRequested) -> None:
    texts = [request.content if target.content is None else target.content for target in request.targets]
    if not request.media and not all(text.strip() for text in texts):
        raise Fault("content: the post has neither text nor media")


def due_times(request: ScheduleRequested) -> list[datetime | None]:
    """When the post is due on each of its accounts, None for at once; or Fault where there is no such time."""
    return [_instant(target.publish_at or request.publish_at) for target in request.targets]


def _instant(publish_at: PublishAt | None) -> datetime | None:
    if not isinstance(publish_at, LocalTime):
        return publish_at
    try:
        return in_utc(datetime.fromisoformat(publish_at.local), zone_named(publish_at.zone))
    except (ValueError, OverflowError) as error:
        raise Fault(f"publish_at: {error} (got {publish_at.local!r}, {publish_at.zone!r})") from None


def as_request(post: Body) -> ScheduleRequested:
    """The request in a body that was read before."""
    return ScheduleRequested.model_validate_json(json.dumps(post))
