"""What becomes of a case: the row and attempts as they are then kept, the facts told, what happens to the message.

No I/O. A fact that says "not published" (failed, skipped, held) is only made where nothing is out.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.publisher.accounts.facts import refresh_failed
from services.publisher.domain import Publication
from services.publisher.platforms.errors import NEEDS_RECONNECT, AlreadyThere, RateLimited, Unauthorized, Unconfirmed
from services.publisher.sending import facts
from services.publisher.sending.case import Case
from services.publisher.sending.evidence import Attempt, Standing
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import PublishRetrying

INTERRUPTED = ErrorDetail(
    kind="unconfirmed", code="interrupted", message="the publisher stopped between the request and its outcome"
)
MAY_BE_ELSEWHERE = ErrorDetail(
    kind="unconfirmed",
    code="account_changed",
    message="it may be out where the account published before it was connected anew: look there, then settle it",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is committed at the end of a case. `publication` is None where nothing changes.

    The message comes again after `rest`, or is parked with `parked_because`; with neither it is done.
    Until `closed_until` the platform will take nothing more, with `whole_app` on all accounts of the app.
    """

    publication: Publication | None
    told: tuple[Event, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    rest: timedelta | None = None
    parked_because: str | None = None
    closed_until: datetime | None = None
    whole_app: bool = False
    stands_when_withdrawn: bool = False
    """Whether it is true even of a post that was withdrawn meanwhile: it is out, or may be, and not withdrawn then."""


def succeeded(case: Case, now: datetime) -> Outcome:
    """It is on the platform."""
    assert case.published is not None and case.started_at is not None, "somebody has seen it there"
    fact = facts.succeeded(case.publication, case.published, case.started_at)
    allowance = case.published.allowance
    outcome = replace(_ended(case, State.PUBLISHED, fact, now), stands_when_withdrawn=True)
    if allowance is None or not allowance.is_used_up:
        return outcome
    return replace(outcome, closed_until=allowance.resets_at, whole_app=allowance.whole_app)


def unknown(case: Case, error: ErrorDetail, now: datetime) -> Outcome:
    """It may be on the platform, and only a person can tell."""
    outcome = _ended(case, State.UNKNOWN, facts.unknown(case.publication, error), now)
    refused = _refused_account(case, now)
    return replace(outcome, told=(*outcome.told, *refused), stands_when_withdrawn=True)


def failed(case: Case, error: ErrorDetail, now: datetime) -> Outcome:
    """It was not published, and will not be unless a person asks."""
    tries = case.publication.tries
    reason = f"{error.kind} after {tries} attempt{'' if tries == 1 else 's'}: {error.message}"
    return replace(_ended(case, State.FAILED, facts.failed(case.publication, error), now), parked_because=reason)


def held(case: Case, reason: str, now: datetime) -> Outcome:
    """It waits for a person; an account that its platform has just refused is told of as well."""
    outcome = _ended(case, State.HELD, facts.held(case.publication, reason), now)
    return replace(outcome, told=(*outcome.told, *_refused_account(case, now)))


def skipped(case: Case, reason: str, now: datetime) -> Outcome:
    """It was not sent, and must not be."""
    return _ended(case, State.SKIPPED, facts.skipped(case.publication, reason), now)


def retrying(case: Case, error: ErrorDetail, not_before: datetime, now: datetime) -> Outcome:
    """It will be tried again at `not_before`; until then its message rests."""
    return _resting(case, error, not_before, not_before, now)


def postponed(case: Case, error: ErrorDetail, until: datetime, now: datetime) -> Outcome:
    """It waits for others, without having been tried: its place in line is still that of its due instant."""
    return _resting(case, error, until, case.publication.not_before, now)


def with_account_closed(outcome: Outcome, error: RateLimited, now: datetime) -> Outcome:
    """The outcome, and unless posts are not meant, nothing else is sent on the account before the platform wants it."""
    if not error.closes:
        return outcome
    return replace(outcome, closed_until=now + error.retry_after, whole_app=error.whole_app)


def told_again(case: Case) -> Outcome:
    """The outcome again, for whoever missed it; nothing changes."""
    kept = case.publication.outcome
    return Outcome(None, (facts.kept(kept),) if kept else ())


def not_sent(case: Case, reason: str) -> Outcome:
    """The revision that is asked for was not sent, and must not be."""
    asked = replace(case.publication, revision=case.event.revision)
    return Outcome(None, (facts.skipped(asked, reason),))


def doubt_told(case: Case, now: datetime) -> Outcome:
    """Whoever asks for another revision learns that the one before may be out."""
    return Outcome(None, (doubt_about(case.publication, now),))


NOTHING = Outcome(None)
PARKED_LATE = Outcome(None, parked_because="failed before; its first delivery was interrupted before it was parked")


def _ended(case: Case, state: State, fact: Event, now: datetime) -> Outcome:
    ended = replace(
        case.publication, state=state, outcome=facts.as_text(fact), claim_token=None, error=None, updated_at=now
    )
    return Outcome(ended, (fact,), case.changed_attempts)


def _resting(case: Case, error: ErrorDetail, until: datetime, not_before: datetime, now: datetime) -> Outcome:
    in_doubt = case.standing(now) is Standing.IN_DOUBT
    waiting = replace(
        case.publication,
        state=State.RETRYING,
        not_before=not_before,
        claim_token=None,
        error=error.model_dump_json(),
        updated_at=now,
    )
    told = facts.retrying(waiting, error, until, in_doubt=in_doubt)
    return Outcome(waiting, (told,), case.changed_attempts, rest=until - now, stands_when_withdrawn=in_doubt)


def _refused_account(case: Case, now: datetime) -> tuple[Event, ...]:
    error = case.error
    if case.account is None or not isinstance(error, Unauthorized) or error.detail.code == NEEDS_RECONNECT:
        return ()
    return (refresh_failed(replace(case.account, needs_reconnect=True), error.detail, now),)


def why_unknown(case: Case, now: datetime) -> ErrorDetail:
    """Why a doubt is left to a person."""
    is_elsewhere = case.problem is None and case.may_be_elsewhere(now)
    return MAY_BE_ELSEWHERE if is_elsewhere else last_error(case)


def may_be_itself(refusal: AlreadyThere) -> ErrorDetail:
    """Why what was refused as being there already is left to a person, after a request of before may have landed."""
    message = f"{refusal.detail.message}; it may be this very post, sent before: look there, then settle it"
    return ErrorDetail(kind=Unconfirmed.kind, code=refusal.detail.code, message=message)


def last_error(case: Case) -> ErrorDetail:
    """What is told of a doubt: the last error, from now or from before."""
    return case.error.detail if case.error else _kept_error(case.publication)


def doubt_about(publication: Publication, now: datetime) -> PublishRetrying:
    """What is told of a post that may be out to whoever wants something else of it."""
    at = max(publication.not_before, now)
    return facts.retrying(publication, _kept_error(publication), at, in_doubt=True)


def _kept_error(publication: Publication) -> ErrorDetail:
    return ErrorDetail.model_validate_json(publication.error) if publication.error else INTERRUPTED
