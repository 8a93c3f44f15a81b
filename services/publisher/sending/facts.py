"""The facts the publisher tells about a publication. No I/O."""

import json
from datetime import datetime, timedelta

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
    """It is on the platform; its lateness is that of the start of the send."""
    return PublishSucceeded(
        post_id=publication.post_id,
        account_id=publication.account_id,
        revision=publication.revision,
        platform=publication.platform or "unknown",
        platform_post_id=published.platform_post_id,
        url=published.url,
        published_at=started_at,
        lateness_ms=round((started_at - publication.publish_at) / _MILLISECOND, 3),
        attempts=publication.tries,
        retries=publication.retries,
    )


def failed(publication: Publication, error: ErrorDetail) -> PublishFailed:
    """It was not published, and will not be unless a person asks."""
    return PublishFailed(
        post_id=publication.post_id,
        account_id=publication.account_id,
        revision=publication.revision,
        attempts=publication.tries,
        retries=publication.retries,
        error=error,
    )


def unknown(publication: Publication, error: ErrorDetail) -> PublishUnknown:
    """It may be on the platform."""
    return PublishUnknown(
        post_id=publication.post_id,
        account_id=publication.account_id,
        revision=publication.revision,
        attempts=publication.tries,
        retries=publication.retries,
        error=error,
    )


def retrying(
    publication: Publication, error: ErrorDetail, next_attempt_at: datetime, *, in_doubt: bool
) -> PublishRetrying:
    """It will be tried again; `in_doubt` when an attempt may have landed."""
    return PublishRetrying(
        post_id=publication.post_id,
        account_id=publication.account_id,
        revision=publication.revision,
        attempt=publication.tries,
        retries=publication.retries,
        next_attempt_at=next_attempt_at,
        error=error,
        in_doubt=in_doubt,
    )


def held(publication: Publication, reason: str) -> PublishHeld:
    """It waits for a person."""
    return PublishHeld(
        post_id=publication.post_id,
        account_id=publication.account_id,
        revision=publication.revision,
        reason=reason,
        attempts=publication.tries,
        retries=publication.retries,
    )


def skipped(publication: Publication, reason: str) -> PublishSkipped:
    """It was not sent, and must not be."""
    return _skip(publication.key, publication.revision, reason, publication.tries, publication.retries)


def never_sent(key: Key, revision: int, reason: str) -> PublishSkipped:
    """A revision of which there is no publication was not sent, and must not be."""
    return _skip(key, revision, reason, 0, 0)


def _skip(key: Key, revision: int, reason: str, attempts: int, retries: int) -> PublishSkipped:
    post_id, account_id = key
    return PublishSkipped.model_validate(
        {
            "post_id": post_id,
            "account_id": account_id,
            "revision": revision,
            "reason": reason,
            "attempts": attempts,
            "retries": retries,
        }
    )


def as_text(fact: Event) -> str:
    """A fact as it is kept beside the publication."""
    return json.dumps({"type": fact.type, "body": fact.body().decode()})


def kept(outcome: str) -> Event:
    """The fact as it was told."""
    told = json.loads(outcome)
    return EVENTS[told["type"]].model_validate_json(told["body"])
