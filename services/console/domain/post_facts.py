"""What facts tell of posts."""

from typing import Any

from services.console.domain.posts import Content, Plan, Post, Standing
from shared.events import Event
from shared.events.progress import Progress, State, progress_of
from shared.events.publisher import PublishSucceeded
from shared.events.scheduler import AcceptedPost, PublishRequested, ScheduleAccepted, ScheduleBatchSettled

SAID = {"content", "media", "options", "late_policy", "retry", "callback_url"}
"""Fields that are what a post says."""


def posts_in(fact: Event, request_id: str) -> list[Post]:
    """What a fact tells of posts; `request_id` is the correlation id it carries, for what names no request."""
    if isinstance(fact, ScheduleBatchSettled):
        return [_accepted(post, fact.request_id or request_id) for post in fact.accepted]
    if isinstance(fact, ScheduleAccepted):
        return [_accepted(fact, fact.request_id or request_id)]
    progress = progress_of(fact)
    return [_told(fact, progress, request_id)] if progress else []


def _accepted(fact: ScheduleAccepted | AcceptedPost, request_id: str) -> Post:
    plan = Plan(fact.revision, True, fact.publish_at, request_id, fact.warning)
    return Post(fact.post_id, fact.account_id, Standing(Progress(State.SCHEDULED, fact.revision)), plan)


def _told(fact: Any, progress: Progress, request_id: str) -> Post:
    if isinstance(fact, PublishRequested):
        plan = Plan(fact.revision, False, fact.publish_at, request_id)
        return Post(fact.post_id, fact.account_id, Standing(progress), plan, _content(fact))
    if isinstance(fact, PublishSucceeded):
        return Post(fact.post_id, fact.account_id, _published(fact, progress))
    return Post(fact.post_id, fact.account_id, _unpublished(fact, progress))


def _published(fact: PublishSucceeded, progress: Progress) -> Standing:
    return Standing(
        progress,
        platform=fact.platform,
        platform_post_id=fact.platform_post_id,
        url=fact.url,
        published_at=fact.published_at,
        lateness_ms=fact.lateness_ms,
    )


def _unpublished(fact: Any, progress: Progress) -> Standing:
    error = getattr(fact, "error", None)
    return Standing(
        progress,
        error=error.model_dump_json() if error else None,
        reason=getattr(fact, "reason", None),
        next_attempt_at=getattr(fact, "next_attempt_at", None),
    )


def _content(fact: PublishRequested) -> Content:
    return Content(fact.revision, fact.model_dump_json(include=SAID))
