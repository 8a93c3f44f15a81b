"""The facts the publisher tells about a publication. No I/O."""

import json
from datetime import datetime, timedelta
from typing import Any

from services.publisher.domain import Key, Publication
from services.publisher.platforms.base import Published
from shared.events import EVENTS, Event
from shared.events.base import ErrorDetail
from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)

_MILLISECOND = timedelta(milliseconds=1)


def succeeded(publication: Publication, published: Published, started_at: datetime) -> PublishSucceeded:
    """It is on the platform; its lateness is that of the start of the send.

    What was sent after a person had asked for it again is as late as it was then; an earlier send came for its instant.
    """
    wanted_at = publication.due_at if started_at >= publication.due_at else publication.publish_at
    return PublishSucceeded(
        **_of(publication),
        platform=publication.platform or "unknown",
        platform_post_id=published.platform_post_id,
        url=published.url,
        published_at=started_at,
        lateness_ms=round((started_at - wanted_at) / _MILLISECOND, 3),
        attempts=publication.tries,
    )


def failed(publication: Publication, error: ErrorDetail) -> PublishFailed:
    """It was not published, and will not be unless a person asks."""
    return PublishFailed(**_of(publication), attempts=publication.tries, error=error)


def unknown(publication: Publication, error: ErrorDetail) -> PublishUnknown:
    """It may be on the platform."""
    return PublishUnknown(**_of(publication), attempts=publication.tries, error=error)


def retrying(
    publication: Publication, error: ErrorDetail, next_attempt_at: datetime, *, in_doubt: bool
) -> PublishRetrying:
    """It will be tried again; `in_doubt` when an attempt may have landed."""
    return PublishRetrying(
        **_of(publication),
        attempt=publication.tries,
        next_attempt_at=next_attempt_at,
        error=error,
        in_doubt=in_doubt,
    )


def held(publication: Publication, reason: str) -> PublishHeld:
    """It waits for a person."""
    return PublishHeld(**_of(publication), attempts=publication.tries, reason=reason)


def skipped(publication: Publication, reason: str) -> PublishSkipped:
    """It was not sent, and must not be."""
    return PublishSkipped.model_validate(_of(publication) | {"attempts": publication.tries, "reason": reason})


def never_sent(key: Key, revision: int, reason: str) -> PublishSkipped:
    """A revision of which there is no publication was not sent, and must not be."""
    post_id, account_id = key
    told = {"post_id": post_id, "account_id": account_id, "revision": revision, "reason": reason}
    return PublishSkipped.model_validate(told)


def _of(publication: Publication) -> dict[str, Any]:
    """Which post a fact is of, at which revision, and how often a person has asked for it again."""
    return {
        "post_id": publication.post_id,
        "account_id": publication.account_id,
        "revision": publication.revision,
        "retries": publication.retries,
    }


def as_text(fact: Event) -> str:
    """A fact as it is kept beside the publication."""
    return json.dumps({"type": fact.type, "body": fact.body().decode()})


def kept(outcome: str) -> Event:
    """The fact as it was told."""
    told = json.loads(outcome)
    return EVENTS[told["type"]].model_validate_json(told["body"])


def error_of(outcome: str) -> ErrorDetail | None:
    """The error in a fact that was kept, where it has one."""
    return getattr(kept(outcome), "error", None)
