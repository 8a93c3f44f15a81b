"""Answers to requests that are no valid events, where it can be told whom to answer. No I/O."""

import json

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json

from services.scheduler.wanted_posts import MOST_CHARACTERS
from shared.events import Event
from shared.events.requests import MAX_POSTS_IN_A_BATCH, ScheduleBatchRequested
from shared.events.scheduler import RejectedPost, ScheduleBatchSettled, ScheduleRejected

MOST_BYTES_READ = 1024 * 1024
"""Of a longer body no more is read than its beginning, which mostly names whom to answer."""


def answer_to_unreadable(type_name: str, body: bytes, reason: str) -> Event | None:
    """The rejection of a request that is no valid event, if it can be told whom to answer."""
    try:
        given = from_json(body[:MOST_BYTES_READ], allow_partial=len(body) > MOST_BYTES_READ)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    try:
        if type_name == ScheduleBatchRequested.type:
            return _unreadable_batch(given, reason)
        return ScheduleRejected(post_id=given.get("post_id"), code="invalid", reason=reason)  # type: ignore[arg-type]
    except ValidationError:
        return None


def refused_cancellation(post_id: str, misspelt: str) -> ScheduleRejected:
    """The rejection of a cancellation with fields that are nearly known ones: nothing is cancelled."""
    return ScheduleRejected(post_id=post_id, code="invalid", reason=misspelt[:MOST_CHARACTERS])


def _unreadable_batch(given: dict[str, JsonValue], reason: str) -> ScheduleBatchSettled:
    posts = given.get("posts")
    named = posts if isinstance(posts, list) and len(posts) <= MAX_POSTS_IN_A_BATCH else []
    refused = [refused_post(post, reason) for post in named]
    return ScheduleBatchSettled(
        batch_id=given.get("batch_id"),  # type: ignore[arg-type]
        accepted=(),
        rejected=tuple(refused or [refused_post(None, reason)]),
    )


def refused_post(post: JsonValue, reason: str) -> RejectedPost:
    """The rejection of a post in a batch, under whatever it gives for an id."""
    post_id = post.get("post_id") if isinstance(post, dict) else None
    told = post_id if isinstance(post_id, str) else json.dumps(post_id)
    return RejectedPost(post_id=told.replace("\x00", "")[:200], code="invalid", reason=reason)
