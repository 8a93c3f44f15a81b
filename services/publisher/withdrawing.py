"""Withdrawing: what becomes of a post that must not be sent any more, and what is answered. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.publisher.domain import Publication
from services.publisher.sending import facts
from services.publisher.sending.evidence import Attempt, Standing, standing
from services.publisher.sending.outcomes import doubt_about
from shared.events import Event
from shared.events.progress import State
from shared.events.scheduler import PublishWithdrawRequested

JUST_TOLD = timedelta(seconds=20)
"""An outcome told so lately is still on its way to the scheduler, which asks again after 30 s should it be lost."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The publication as it is now kept, None where it stays as it is, and what is answered: nothing yet while it is
    being sent."""

    publication: Publication | None
    told: tuple[Event, ...] = ()


def withdraw(
    asked: PublishWithdrawRequested,
    current: Publication | None,
    attempts: Sequence[Attempt],
    now: datetime,
) -> Withdrawn:
    """Skip what is not out, or has never been seen; tell what is out, or may be, once; wait for what is on its way."""
    if current is None:
        return Withdrawn(None, (_skip(asked),))
    stands = standing(attempts, now)
    if current.state in (State.PUBLISHED, State.UNKNOWN):
        is_just_told = timedelta(0) <= now - current.updated_at < JUST_TOLD
        return Withdrawn(None, (facts.kept(current.outcome),) if current.outcome and not is_just_told else ())
    if current.revision > asked.revision:
        return Withdrawn(None, (facts.skipped(replace(current, revision=asked.revision), asked.reason),))
    if stands is Standing.IN_DOUBT:
        return Withdrawn(None, (doubt_about(current, now),))
    if stands is Standing.ON_ITS_WAY:
        return Withdrawn(replace(current, withdrawn=asked.revision, withdrawn_because=asked.reason))
    return _skipped(asked, current, now)


def _skipped(asked: PublishWithdrawRequested, current: Publication, now: datetime) -> Withdrawn:
    stopped = replace(current, revision=asked.revision)
    fact = facts.skipped(stopped, asked.reason)
    kept = replace(
        stopped,
        state=State.SKIPPED,
        claim_token=None,
        outcome=facts.as_text(fact),
        withdrawn=asked.revision,
        withdrawn_because=asked.reason,
        updated_at=now,
    )
    return Withdrawn(kept, (fact,))


def _skip(asked: PublishWithdrawRequested) -> Event:
    return facts.never_sent((asked.post_id, asked.account_id), asked.revision, asked.reason)


def never_seen(asked: PublishWithdrawRequested, correlation_id: str, now: datetime, *, is_told: bool) -> Publication:
    """A skipped publication: a request that comes later is not sent. It is told of then, unless it `is_told` now."""
    return Publication(
        post_id=asked.post_id,
        account_id=asked.account_id,
        revision=asked.revision,
        state=State.SKIPPED,
        publish_at=now,
        due_at=now,
        not_before=now,
        outcome=facts.as_text(_skip(asked)) if is_told else None,
        request="",
        correlation_id=correlation_id,
        withdrawn=asked.revision,
        withdrawn_because=asked.reason,
        updated_at=now,
    )
