"""What a request wants, account by account. No I/O."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

from pydantic import JsonValue

from shared.events.near_misses import misspelt_in
from shared.events.requests import LatePolicy, PublishAt, RetryPolicy, ScheduleRequested, Target

NO_MEDIA = "[]"
USUAL_RETRY = "{}"
MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class WantedPost:
    """A post as a request wants it on one account, if that is at the revision it expects."""

    post_id: str
    account_id: str
    publish_at: PublishAt | None
    content: str
    media: str
    options: str
    late_policy: str
    retry: str
    callback_url: str | None
    expected_revision: int | None
    misspelt: str | None = None
    """Fields of the request that are nearly known ones, and were ignored."""

    @property
    def key(self) -> tuple[str, str]:
        return self.post_id, self.account_id

    @property
    def characters(self) -> int:
        """How many there are to be stored."""
        return len(self.content) + len(self.media) + len(self.options)

    @property
    def fingerprint(self) -> str:
        """Equal for requests that want the same; one that is usual in what was added later as it was before."""
        when = repr(self.publish_at)
        parts = [when, self.content, self.media, self.options, self.late_policy, self.callback_url or ""]
        if self.retry != USUAL_RETRY:
            parts.append(self.retry)
        return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def posts_wanted_by(request: ScheduleRequested, body: JsonValue = None) -> list[WantedPost]:
    """One per target; a target's own time, content and options win. `body` is the request as it came."""
    media = json.dumps([item.model_dump(exclude_none=True) for item in request.media]) if request.media else NO_MEDIA
    late_policy, retry = _late_policy(request.late_policy), _retry(request.retry)
    misspelt = misspelt_in(body, ScheduleRequested)
    wanted = [_wanted(request, target, media, late_policy, retry) for target in request.targets]
    return [replace(one, misspelt=misspelt[:MOST_CHARACTERS]) for one in wanted] if misspelt else wanted


@lru_cache
def _late_policy(policy: LatePolicy) -> str:
    return policy.model_dump_json()


@lru_cache
def _retry(policy: RetryPolicy) -> str:
    return policy.model_dump_json(exclude_defaults=True)


def _wanted(request: ScheduleRequested, target: Target, media: str, late_policy: str, retry: str) -> WantedPost:
    return WantedPost(
        post_id=request.post_id,
        account_id=target.account_id,
        publish_at=target.publish_at or request.publish_at,
        content=request.content if target.content is None else target.content,
        media=media,
        options=json.dumps(target.options, sort_keys=True) if target.options else "{}",
        late_policy=late_policy,
        retry=retry,
        callback_url=request.callback_url,
        expected_revision=request.expected_revision,
    )
