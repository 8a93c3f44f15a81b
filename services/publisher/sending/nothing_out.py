"""The next step where nothing is out: retry, hold, skip and fail are all allowed. No I/O."""

from datetime import datetime, timedelta

from services.publisher.platforms.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from services.publisher.sending import outcomes
from services.publisher.sending.case import Blocked, Case
from services.publisher.sending.outcomes import Outcome
from services.publisher.sending.steps import Prepare, Renew, Reserve, Settle, Step
from services.publisher.sending.waiting import backoff_of, deadline_of, next_try_at, pause_of


def step_with_nothing_out(case: Case, now: datetime) -> Step:
    """End it where it must not, or cannot, be sent; act on the last error; else prepare, and reserve a start."""
    if ended := _ended(case, now):
        return Settle(ended)
    if case.error is not None:
        return _step_after_error(case, case.error, now)
    if blocked := case.blocked or _closed(case, now):
        return Settle(_blocked(case, blocked, now))
    return Reserve() if case.ready else Prepare()


def _ended(case: Case, now: datetime) -> Outcome | None:
    """Withdrawn, held, out of tries or too late."""
    if case.publication.is_withdrawn:
        return outcomes.skipped(case, case.publication.withdrawn_because or "cancelled", now)
    if case.problem is not None:
        return outcomes.held(case, case.problem, now)
    if case.error is None and not case.has_tries:
        return outcomes.failed(case, outcomes.last_error(case), now)
    if case.error is None and now > deadline_of(case):
        late = timedelta(seconds=round((now - case.publication.due_at).total_seconds()))
        return _too_late(case, f"found {late} after it was due", now)
    return None


def _step_after_error(case: Case, error: PlatformError, now: datetime) -> Step:
    if isinstance(error, Unauthorized) and case.may_renew:
        return Renew()
    return Settle(_after_error(case, error, now))


def _after_error(case: Case, error: PlatformError, now: datetime) -> Outcome:
    """Nothing was published: wait, try again, hold or give up, as the error says."""
    if isinstance(error, Unauthorized):
        way_out = f"connect account {case.publication.account_id!r} again, then retry the post"
        return outcomes.held(case, f"{error.detail.message}: {way_out}", now)
    if isinstance(error, RateLimited):
        blocked = _blocked(case, Blocked(now + error.retry_after, error.detail), now)
        return outcomes.with_account_closed(blocked, error, now)
    if isinstance(error, NotSent | Unavailable):
        return _tried_later(case.waited(), error, pause_of(case, error), now)
    if isinstance(error, Rejected) or not case.has_tries:
        return outcomes.failed(case, error.detail, now)
    return _tried_later(case, error, backoff_of(case, error), now)


def _tried_later(case: Case, error: PlatformError, delay: timedelta, now: datetime) -> Outcome:
    """Tried again after the delay, unless the late policy speaks before."""
    at = next_try_at(now, delay, deadline_of(case))
    return outcomes.retrying(case, error.detail, at, now) if at else _too_late(case, error.detail.message, now)


def _closed(case: Case, now: datetime) -> Blocked | None:
    """The network takes nothing on the account for a while."""
    until = case.account.closed_until if case.account else None
    is_closed = until is not None and until > max(now, case.publication.not_before)
    return Blocked(until) if until and is_closed else None


def _blocked(case: Case, blocked: Blocked, now: datetime) -> Outcome:
    """It waits for others, unless its late policy speaks before."""
    if blocked.until > deadline_of(case):
        return _too_late(case, blocked.reason.message, now)
    return outcomes.postponed(case, blocked.reason, blocked.until, now)


def _too_late(case: Case, reason: str, now: datetime) -> Outcome:
    """What the late policy says of a post whose grace is over."""
    if case.event.late_policy.mode == "skip":
        return outcomes.skipped(case, "too_late", now)
    grace = timedelta(seconds=round(case.event.late_policy.grace_seconds))
    way_out = "retry the post to publish it all the same"
    return outcomes.held(case, f"later than its grace of {grace} allows: {reason}; {way_out}", now)
