"""The next step in doubt: the post may be out, so nothing else is sent, and nothing else told, before that is settled.

The very same request is repeated while the network takes it for one; else the network is asked; else a person is.
A request to another place is not the same, and another place knows nothing of the post. No I/O.
"""

from datetime import datetime, timedelta

from services.publisher.platforms.errors import (
    AlreadyThere,
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from services.publisher.sending import outcomes
from services.publisher.sending.case import Case
from services.publisher.sending.outcomes import Outcome
from services.publisher.sending.steps import LookUp, Prepare, Renew, Reserve, Settle, Step
from services.publisher.sending.waiting import backoff_of, pause_of

DOUBTS_LAST = timedelta(hours=1)
"""How long a doubt is looked into before a person is asked."""
SHORTEST_PAUSE = timedelta(seconds=1)


def step_in_doubt(case: Case, now: datetime) -> Step:
    """Settle the doubt, unless something is wrong with the account or stands in the way.

    A withdrawal is answered before all else: it is over once the scheduler knows that the post may be out.
    """
    if case.publication.is_withdrawn:
        return Settle(outcomes.retrying(case, outcomes.last_error(case), now, now))
    if isinstance(case.error, Unauthorized) and case.may_renew:
        return Renew()
    if case.problem is not None or isinstance(case.error, Unauthorized) or case.may_be_elsewhere(now):
        return Settle(outcomes.unknown(case, outcomes.why_unknown(case, now), now))
    if case.blocked is not None:
        return Settle(outcomes.postponed(case, case.blocked.reason, case.blocked.until, now))
    if isinstance(case.error, NotSent | Unavailable):
        return Settle(_asked_later(case, case.error, now))
    return _repeat_or_look(case, now)


def _repeat_or_look(case: Case, now: datetime) -> Step:
    if isinstance(case.error, AlreadyThere):
        return Settle(outcomes.unknown(case, outcomes.may_be_itself(case.error), now))
    if _may_repeat(case, now):
        return _repeat(case, case.error, now)
    if case.certainty.answers_look_ups:
        return _look_into(case, case.error, now)
    return Settle(outcomes.unknown(case, outcomes.last_error(case), now))


def _may_repeat(case: Case, now: datetime) -> bool:
    """Whether the network takes the very same request for the one that may have landed, and tries are left."""
    return not is_forgotten(case, now) and case.has_tries and not isinstance(case.error, Rejected)


def is_forgotten(case: Case, now: datetime) -> bool:
    """Whether something may have landed that the network knows no more: repeated now, it could be there twice."""
    doubtful = case.doubtful(now)
    return bool(doubtful) and now >= doubtful[0].start_at + case.certainty.deduplicates_for


def _repeat(case: Case, error: PlatformError | None, now: datetime) -> Step:
    if error is not None:
        return Settle(outcomes.retrying(case, error.detail, now + backoff_of(case, error), now))
    return Reserve() if case.ready else Prepare()


def _look_into(case: Case, error: PlatformError | None, now: datetime) -> Step:
    """A look-up settles it: at once where the post is found, for its absence once nothing can be on its way."""
    if not case.is_looked_up:
        return LookUp()
    if isinstance(error, Rejected) or _has_lasted(case, now):
        return Settle(outcomes.unknown(case, outcomes.last_error(case), now))
    if error is not None:
        return Settle(_asked_later(case, error, now))
    proved_at = max(case.absence_proved_at(now), now + SHORTEST_PAUSE)
    return Settle(outcomes.retrying(case, outcomes.last_error(case), proved_at, now))


def _asked_later(case: Case, error: PlatformError, now: datetime) -> Outcome:
    """The network could not be asked: again after a pause, however long it wants, and in the end a person."""
    if _has_lasted(case, now):
        return outcomes.unknown(case, error.detail, now)
    at = min(now + pause_of(case, error), max(_lasts_until(case, now), now) + SHORTEST_PAUSE)
    outcome = outcomes.retrying(case.waited(), error.detail, at, now)
    return outcomes.with_account_closed(outcome, error, now) if isinstance(error, RateLimited) else outcome


def _has_lasted(case: Case, now: datetime) -> bool:
    return now > _lasts_until(case, now)


def _lasts_until(case: Case, now: datetime) -> datetime:
    return case.doubtful(now)[0].start_at + DOUBTS_LAST
