"""Whether a delivery takes its post over, and as what. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.publisher.domain import CLAIMED, Publication
from services.publisher.sending import facts
from services.publisher.sending.case import Delivered
from services.publisher.sending.evidence import Attempt, Evidence, Standing, is_doubtful, standing
from services.publisher.sending.outcomes import INTERRUPTED
from shared.events.progress import State

RESTS_FROM = timedelta(seconds=10)
"""A retry that is further away is not taken over: its message rests on."""

_OUT = (State.PUBLISHED, State.UNKNOWN)
"""What no revision may go past: the post is out, or may be, and a person is asked."""
_ENDED = (State.FAILED, State.HELD, State.SKIPPED)
"""What only a newer revision, or a person, goes past."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The post as the delivery finds it; `changed` where it takes over what was there, so that it must be written."""

    publication: Publication
    attempts: tuple[Attempt, ...]
    changed: bool


def take(delivered: Delivered, current: Publication, attempts: Sequence[Attempt], now: datetime) -> Taken:
    """Take the post over unless it is out, on its way, in doubt under another revision, ended, or not due yet."""
    left = Taken(current, tuple(attempts), False)
    stands, event = standing(attempts, now), delivered.event
    if current.state in _OUT or stands in (Standing.LANDED, Standing.ON_ITS_WAY):
        return left
    if event.revision > current.revision and stands is Standing.NOTHING_OUT:
        return Taken(newer_publication(delivered, current, now), tuple(attempts), True)
    if event.revision == current.revision and current.state == State.FAILED and _is_asked_again(delivered, stands):
        return _taken_over(delivered, revived(current, now), attempts, now)
    if event.revision != current.revision or current.state in _ENDED or _rests(current, now):
        return left
    return _taken_over(delivered, current, attempts, now)


def newer_publication(delivered: Delivered, current: Publication, now: datetime) -> Publication:
    """A newer revision, counted on from what came before it."""
    return replace(
        new_publication(delivered, now),
        tries=current.tries,
        tries_before=current.tries,
        retries=current.retries,
        withdrawn=current.withdrawn,
        withdrawn_because=current.withdrawn_because,
    )


def _is_asked_again(delivered: Delivered, stands: Standing) -> bool:
    """Whether a person has replayed the dead letter of a failed post; the delivery that did it may come once more."""
    return delivered.is_replayed and not delivered.redelivered and stands is Standing.NOTHING_OUT


def revived(publication: Publication, now: datetime) -> Publication:
    """A publication that came to an end, and that a person wants tried again: at once, unless it is not due yet."""
    due_at = max(now, publication.publish_at)
    return replace(
        publication,
        state=State.RETRYING,
        tries_before=publication.tries,
        retries=publication.retries + 1,
        waits=0,
        due_at=due_at,
        not_before=due_at,
        outcome=None,
        claim_token=None,
        updated_at=now,
    )


def asked_of_network(publication: Publication, now: datetime) -> Publication:
    """An unknown publication that a person wants settled by its network; the doubt stays, with its reason."""
    error = facts.error_of(publication.outcome) if publication.outcome else None
    return replace(revived(publication, now), error=error.model_dump_json() if error else None)


def _rests(current: Publication, now: datetime) -> bool:
    return current.state == State.RETRYING and current.not_before - now > RESTS_FROM


def _taken_over(delivered: Delivered, current: Publication, attempts: Sequence[Attempt], now: datetime) -> Taken:
    """The same revision under a new token; an attempt whose sender has died is unknown from now on, and used a try."""
    died = [one for one in attempts if one.evidence is Evidence.OPEN and is_doubtful(one, now)]
    known = tuple(replace(one, evidence=Evidence.UNKNOWN) if one in died else one for one in attempts)
    taken = replace(
        current,
        state=CLAIMED,
        claim_token=delivered.token,
        tries=current.tries + len(died),
        error=INTERRUPTED.model_dump_json() if died else current.error,
        updated_at=now,
    )
    return Taken(taken, known, True)


def new_publication(delivered: Delivered, now: datetime) -> Publication:
    """The publication of a revision that is seen for the first time."""
    event = delivered.event
    return Publication(
        post_id=event.post_id,
        account_id=event.account_id,
        revision=event.revision,
        state=CLAIMED,
        publish_at=event.publish_at,
        due_at=event.publish_at,
        not_before=event.publish_at,
        claim_token=delivered.token,
        request=event.body().decode(),
        correlation_id=delivered.correlation_id,
        updated_at=now,
    )
