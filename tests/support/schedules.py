"""Schedules and wanted posts as a test has them: everything usual but what it names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.scheduler.domain import Schedule
from services.scheduler.near_posts import minute_key, text_key
from services.scheduler.wanted_posts import USUAL_RETRY, WantedPost
from shared.events.progress import State
from shared.events.requests import LatePolicy, LocalTime, ScheduleRequested

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
DUE = NOON + timedelta(hours=1)

_WANTED = WantedPost(
    "post-1", "acct-1", DUE, "Hello", "[]", "{}", LatePolicy().model_dump_json(), USUAL_RETRY, None, None
)


def wanted(**changes: Any) -> WantedPost:
    """A post that says Hello, wanted an hour after noon."""
    return replace(_WANTED, **changes)


def schedule(of: WantedPost = _WANTED, **changes: Any) -> Schedule:
    """The first revision of a wanted post, waiting for its dispatch."""
    publish_at = DUE if of.publish_at is None or isinstance(of.publish_at, LocalTime) else of.publish_at
    first = Schedule(
        post_id=of.post_id,
        account_id=of.account_id,
        revision=1,
        state=State.SCHEDULED,
        attempts=0,
        retries=0,
        publish_at=publish_at,
        content=of.content,
        media=of.media,
        options=of.options,
        late_policy=of.late_policy,
        retry=of.retry,
        callback_url=of.callback_url,
        fingerprint=of.fingerprint,
        correlation_id="c-1",
        claimed_until=None,
        outcome_expected_at=publish_at,
        sweeps=0,
        updated_at=NOON,
        text_key=text_key(of.account_id, of.content),
        minute_key=minute_key(of.account_id, publish_at),
        in_doubt=False,
        pending=0,
        asked_at=NOON,
    )
    return replace(first, **changes)


def post(post_id: str = "post-1", *account_ids: str, **changes: Any) -> ScheduleRequested:
    """A request for "Hello" on these accounts (acct-1) an hour after noon."""
    targets = [{"account_id": account_id} for account_id in account_ids or ("acct-1",)]
    body = {"post_id": post_id, "content": "Hello", "publish_at": DUE, "targets": targets}
    return ScheduleRequested.model_validate(body | changes, strict=False)
