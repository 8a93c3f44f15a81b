"""What a post says: as the publish request carried it, or before that as the draft it was accepted for."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.console.domain.posts import Post
from shared.events.progress import State
from shared.events.reading import read_json
from shared.events.requests import ScheduleRequested, Target

PostFields = dict[str, Any]
"""content, media, options, late_policy, retry, callback_url"""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a request asked a post to say, as the JSON of `schedule.requested`."""

    request_id: str
    post_id: str
    body: str


class Drafts:
    """The drafts of some posts."""

    def __init__(self, drafts: Iterable[Draft]) -> None:
        self._requests: dict[tuple[str, str], list[ScheduleRequested]] = {}
        for draft in drafts:
            self._keep(draft)

    def fields_of(self, post: Post) -> PostFields | None:
        """What the post says in its present revision, or said when it was published, as far as it is known."""
        said = dict(json.loads(post.content.body)) if post.content else None
        if post.state is State.PUBLISHED:
            return self._sent(post, said)
        if post.content and (post.plan is None or post.content.revision >= post.plan.revision):
            return said
        return (self._drafted(post, post.plan.request_id) if post.plan else None) or said

    def revision_of_fields(self, post: Post) -> int:
        """The revision that says what `fields_of` tells: until a draft is known, not the latest."""
        if post.plan and self._drafted(post, post.plan.request_id):
            return max(post.plan.revision, post.content.revision if post.content else 0)
        return post.content.revision if post.content else post.shown_revision

    def _sent(self, post: Post, said: PostFields | None) -> PostFields | None:
        """Never what an edit wanted that came too late."""
        if post.content and post.content.revision == post.shown_revision:
            return said
        was_planned = post.plan and post.plan.revision == post.shown_revision
        return self._drafted(post, post.plan.request_id) if post.plan and was_planned else None

    def _keep(self, draft: Draft) -> None:
        try:
            request = read_json(ScheduleRequested, draft.body.encode())
        except ValidationError:
            return  # part of a batch, and refused there
        self._requests.setdefault((draft.request_id, draft.post_id), []).append(request)

    def _drafted(self, post: Post, request_id: str) -> PostFields | None:
        """The last mention in a request counts, as it does for the scheduler."""
        for request in reversed(self._requests.get((request_id, post.post_id), [])):
            for target in request.targets:
                if target.account_id == post.account_id:
                    return _fields_on(request, target)
        return None


def _fields_on(request: ScheduleRequested, target: Target) -> PostFields:
    return {
        "content": request.content if target.content is None else target.content,
        "media": [item.model_dump(exclude_none=True) for item in request.media],
        "options": target.options or {},
        "late_policy": request.late_policy.model_dump(),
        "retry": request.retry.model_dump(),
        "callback_url": request.callback_url,
    }
