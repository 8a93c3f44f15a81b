"""What becomes of a publication after its send: the row, the facts told, and what happens to the message. No I/O."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.publisher import facts
from services.publisher.domain import Publication, again, backoff, settled
from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import (
    NEEDS_RECONNECT,
    NotSent,
    PlatformError,
    RateLimited,
    Transient,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from shared.events import Event
from shared.events.progress import State
from shared.events.publisher import AccountRefreshFailed


@dataclass(frozen=True, slots=True)
class Outcome:
    """The publication as it now is, and what others learn.

    The message comes again after `again_in`, or is parked with `parked_because`; with neither it is done.
    Until `closed_until` the platform will take nothing more, with `whole_app` on all accounts of the app.
    """

    publication: Publication
    told: tuple[Event, ...]
    again_in: timedelta | None = None
    parked_because: str | None = None
    closed_until: datetime | None = None
    whole_app: bool = False


def after_success(publication: Publication, published: Published, started_at: datetime, now: datetime) -> Outcome:
    """It is on the platform."""
    fact = facts.succeeded(publication, published, started_at)
    used_up = published.allowance if published.allowance and published.allowance.is_used_up else None
    kept = settled(publication, State.PUBLISHED, facts.as_text(fact), now)
    if used_up is None:
        return Outcome(kept, (fact,))
    return Outcome(kept, (fact,), closed_until=used_up.resets_at, whole_app=used_up.whole_app)


def after_failure(
    publication: Publication, error: PlatformError, *, deduplicates: bool, jitter: float, now: datetime
) -> Outcome:
    """Retry, wait, hold, give up, or leave it to a person, as the error says."""
    if isinstance(error, RateLimited):
        return _wait(publication, error, now)
    if isinstance(error, Unauthorized):
        return _hold(publication, error, now)
    if isinstance(error, Unconfirmed) and not (deduplicates and _has_attempts(publication)):
        return _unknown(publication, error, now)
    if isinstance(error, NotSent | Unavailable | Transient | Unconfirmed) and _has_attempts(publication):
        return _retry(publication, error, now, jitter)
    return _fail(publication, error, now)


def after_cancellation(publication: Publication, reason: str, now: datetime) -> Outcome:
    """It was cancelled at the last moment, before anything was sent."""
    unsent = replace(publication, attempts=publication.attempts - 1)
    return _skipped(unsent, reason, now)


def after_oversleeping(publication: Publication, now: datetime) -> Outcome:
    """The machine slept through its lease with nothing sent: it starts over, unless it is too late by now."""
    error = Transient("the publisher was asleep at the moment of sending", code="overslept")
    waiting = again(publication, not_before=publication.not_before, used_attempt=False, now=now)
    return Outcome(waiting, (facts.retrying(waiting, error.detail),), again_in=timedelta(0))


def starting_over(publication: Publication, now: datetime) -> Outcome:
    """Nothing was published, and it goes through its claim once more: with a new token, or for a new slot."""
    return Outcome(again(publication, not_before=publication.not_before, used_attempt=False, now=now), ())


def _has_attempts(publication: Publication) -> bool:
    return publication.attempts < publication.attempts_allowed


def _wait(publication: Publication, error: RateLimited, now: datetime) -> Outcome:
    """The platform's own limit costs no attempt, nor the place in line; nothing else is sent before either."""
    until = now + error.retry_after
    waiting = again(publication, not_before=publication.not_before, used_attempt=False, now=now)
    waiting = replace(waiting, slot_at=until)
    told = (facts.retrying(waiting, error.detail),)
    return Outcome(waiting, told, again_in=error.retry_after, closed_until=until, whole_app=error.whole_app)


def after_postponing(publication: Publication, reason: str, rest: timedelta, now: datetime) -> Outcome:
    """Nothing was tried, since the destination does not answer others either."""
    waiting = again(publication, not_before=publication.not_before, used_attempt=True, now=now)
    waiting = replace(waiting, slot_at=now + rest)
    error = Transient(reason, code="destination_unwell")
    return Outcome(waiting, (facts.retrying(waiting, error.detail),), again_in=rest)


def after_waiting_too_long(publication: Publication, verdict: str, reason: str, now: datetime) -> Outcome:
    """Its destination keeps it waiting for longer than its policy allows: `skip` it, or hold it."""
    if verdict == "skip":
        return _skipped(publication, "too_late", now)
    held = facts.held(publication, f"it would be later than its grace allows: {reason}")
    return Outcome(settled(publication, State.HELD, facts.as_text(held), now), (held,))


def _skipped(publication: Publication, reason: str, now: datetime) -> Outcome:
    fact = facts.skipped(
        publication.post_id, publication.account_id, publication.revision, reason, publication.attempts
    )
    return Outcome(settled(publication, State.SKIPPED, facts.as_text(fact), now), (fact,))


def _retry(publication: Publication, error: PlatformError, now: datetime, jitter: float) -> Outcome:
    delay = backoff(publication.attempts, jitter=jitter)
    if isinstance(error, Unavailable | Transient) and error.retry_after:
        delay = max(delay, error.retry_after)
    waiting = again(publication, not_before=now + delay, used_attempt=True, now=now)
    return Outcome(waiting, (facts.retrying(waiting, error.detail),), again_in=delay)


def _hold(publication: Publication, error: Unauthorized, now: datetime) -> Outcome:
    reason = f"{error.detail.message}: connect account {publication.account_id!r} again, then retry the post"
    fact = facts.held(publication, reason)
    held = settled(publication, State.HELD, facts.as_text(fact), now)
    if error.detail.code == NEEDS_RECONNECT:
        return Outcome(held, (fact,))
    refused = AccountRefreshFailed(
        account_id=publication.account_id,
        platform=publication.platform,
        error=error.detail,
        needs_reconnect=True,
        changed_at=now,
    )
    return Outcome(held, (fact, refused))


def _unknown(publication: Publication, error: PlatformError, now: datetime) -> Outcome:
    fact = facts.unknown(publication, error.detail)
    return Outcome(settled(publication, State.UNKNOWN, facts.as_text(fact), now), (fact,))


def _fail(publication: Publication, error: PlatformError, now: datetime) -> Outcome:
    fact = facts.failed(publication, error.detail)
    after = f"after {publication.attempts} attempt{'' if publication.attempts == 1 else 's'}"
    reason = f"{error.detail.kind} {after}: {error.detail.message}"
    return Outcome(settled(publication, State.FAILED, facts.as_text(fact), now), (fact,), parked_because=reason)


LOOK_UPS_FOR = timedelta(hours=1)


def after_failed_look_up(publication: Publication, error: PlatformError, now: datetime) -> Outcome | None:
    """Look again a little later (None), and in the end leave it to a person."""
    return None if now - publication.publish_at < LOOK_UPS_FOR else _unknown(publication, error, now)
