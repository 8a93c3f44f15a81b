"""What a request wants, account by account. No I/O."""

import json
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from shared.events.requests import LatePolicy, PublishAt, ScheduleRequested, Target

NO_MEDIA = "[]"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants for one account."""

    post_id: str
    account_id: str
    publish_at: PublishAt | None
    content: str
    media: str
    options: str
    late_policy: str
    callback_url: str | None

    @property
    def key(self) -> tuple[str, str]:
        return self.post_id, self.account_id

    @property
    def fingerprint(self) -> str:
        """Equal for requests that want the same."""
        when = repr(self.publish_at)
        parts = (when, self.content, self.media, self.options, self.late_policy, self.callback_url or "")
        return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def wishes_of(request: ScheduleRequested) -> list[Wish]:
    """One wish per target; a target's own time, content and options win."""
    media = json.dumps([item.model_dump(exclude_none=True) for item in request.media]) if request.media else NO_MEDIA
    late_policy = _late_policy(request.late_policy)
    return [_wish(request, target, media, late_policy) for target in request.targets]


@lru_cache
def _late_policy(policy: LatePolicy) -> str:
    return policy.model_dump_json()


def _wish(request: ScheduleRequested, target: Target, media: str, late_policy: str) -> Wish:
    return Wish(
        post_id=request.post_id,
        account_id=target.account_id,
        publish_at=target.publish_at or request.publish_at,
        content=request.content if target.content is None else target.content,
        media=media,
        options=json.dumps(target.options, sort_keys=True) if target.options else "{}",
        late_policy=late_policy,
        callback_url=request.callback_url,
    )
