"""How long a post waits before it is tried again, and when it is too late for it. No I/O."""

from datetime import datetime, timedelta

from services.publisher.platforms.errors import PlatformError
from services.publisher.sending.case import Case

ON_TIME = timedelta(seconds=2)
"""Lateness that is never held against a post, whatever its policy."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds of the pauses of what never arrived, or is asked to come back later: they use no try."""
JITTER = 0.1
SHORTEST_REST = timedelta(seconds=5)
"""A shorter wait is slept; a longer one after an error is spent in a retry queue."""


def backoff_of(case: Case, error: PlatformError) -> timedelta:
    """How long the case waits after a try, or longer where the platform asks for it."""
    policy, tries = case.event.retry, case.publication.tries - case.publication.tries_before
    doubled = _doubled(policy.first_delay_seconds, tries, policy.longest_delay_seconds, case.jitter)
    return max(doubled, error.retry_after or timedelta(0))


def pause_of(case: Case, error: PlatformError) -> timedelta:
    """How long the case waits without having used a try, or longer where the platform asks for it."""
    doubled = _doubled(FIRST_PAUSE, case.publication.waits + 1, LONGEST_PAUSE, case.jitter)
    return max(doubled, error.retry_after or timedelta(0))


def _doubled(first: float, times: int, longest: float, jitter: float) -> timedelta:
    doubled = first * (1 << min(max(times - 1, 0), 30))
    return timedelta(seconds=min(doubled, longest) * (1 + JITTER * jitter))


def deadline_of(case: Case) -> datetime:
    """The instant after which the case's late policy speaks, where nothing is out."""
    return case.publication.due_at + max(timedelta(seconds=case.event.late_policy.grace_seconds), ON_TIME)


def next_try_at(now: datetime, delay: timedelta, deadline_at: datetime) -> datetime | None:
    """When to try again: after the delay, at the latest just before the deadline; None when it is over by then."""
    at = now + delay
    if at < deadline_at:
        return at
    last_chance = deadline_at - ON_TIME / 4
    return last_chance if last_chance - now >= delay / 2 else None
