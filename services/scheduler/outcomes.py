"""What the publisher's facts say of a schedule: how far it has come, whether a revision is taken back. No I/O."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.scheduler.domain import Schedule
from services.scheduler.facts import overtaken
from shared.events import Event
from shared.events.progress import Progress, State, progress_of
from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)

Outcome = PublishSucceeded | PublishFailed | PublishUnknown | PublishSkipped | PublishHeld | PublishRetrying


def advanced(schedule: Schedule, facts: Sequence[Outcome], now: datetime) -> Schedule:
    """The schedule as far as the facts bring it; it stays as it is where it has come further already."""
    latest = facts[0] if len(facts) == 1 else max(facts, key=lambda fact: _progress(fact).rank)
    progress = _progress(latest)
    if not progress.is_beyond(schedule.progress):
        return _expected_later(schedule, facts)
    advance = replace(
        schedule,
        state=progress.state,
        attempts=progress.attempts,
        retries=progress.retries,
        in_doubt=progress.in_doubt,
    )
    return advance if schedule.pending else _expected_later(replace(advance, outcome_expected_at=now), facts)


def answered(schedule: Schedule, facts: Sequence[Outcome], now: datetime) -> Schedule:
    """The schedule once no request waits for it: from now on its outcome is expected, or when these facts say."""
    return _expected_later(replace(schedule, pending=0, outcome_expected_at=now), facts)


def _expected_later(schedule: Schedule, facts: Sequence[Outcome]) -> Schedule:
    """The schedule with when the publisher will try again, as told last: it waits several times within one attempt."""
    if schedule.pending:
        return schedule
    told = [
        fact.next_attempt_at
        for fact in facts
        if isinstance(fact, PublishRetrying) and _progress(fact) == schedule.progress
    ]
    return replace(schedule, outcome_expected_at=max(schedule.outcome_expected_at, *told)) if told else schedule


def is_taken_back(schedule: Schedule, facts: Sequence[Outcome]) -> bool | None:
    """Whether the revision that requests wait for will never be published, or None where that is not told yet.

    A success counts whenever it comes; a doubt, unless a later attempt of this revision is known.
    """
    if schedule.state is State.PUBLISHED:
        return False
    if any(_is_skipped(fact) and fact.revision >= schedule.revision for fact in facts):
        return True
    doubts = [progress for fact in facts if (progress := _progress(fact)).may_be_out]
    return False if any(_counts(doubt, schedule) for doubt in doubts) else None


def _is_skipped(fact: Outcome) -> bool:
    """Whether the publisher will never send this revision; what is too late can still be tried again."""
    return isinstance(fact, PublishSkipped) and fact.reason in ("cancelled", "superseded")


def _counts(doubt: Progress, schedule: Schedule) -> bool:
    tried, heard_of = (doubt.retries, doubt.attempts), (schedule.retries, schedule.attempts)
    return doubt.revision != schedule.revision or tried >= heard_of


def contradicted(schedule: Schedule, facts: Sequence[Outcome]) -> Event | None:
    """What takes an answer back where an earlier revision has been published after all."""
    published = [fact.revision for fact in facts if isinstance(fact, PublishSucceeded)]
    if schedule.state is State.PUBLISHED or not published or max(published) >= schedule.revision:
        return None
    return overtaken(schedule, max(published))


def _progress(fact: Outcome) -> Progress:
    progress = progress_of(fact)
    assert progress is not None, f"{fact.type} is no outcome"
    return progress
