"""Whatever the order in which facts arrive, and however often, every reader ends up with the same state."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import EVENTS, Event
from shared.events.base import ErrorDetail
from shared.events.progress import Progress, State, progress_of
from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.scheduler import (
    PublishRequested,
    PublishWithdrawRequested,
    ScheduleAccepted,
    ScheduleCancelled,
    ScheduleSuperseded,
)

AT = datetime(2027, 3, 28, 9, 30, tzinfo=UTC)
KEY: dict[str, Any] = {"post_id": "post-1", "account_id": "acct-1"}
ERROR = ErrorDetail(kind="transient", code="503", message="try later")

PROGRESS = st.builds(
    Progress, st.sampled_from(State), st.integers(1, 4), st.integers(0, 4), st.booleans(), st.integers(0, 2)
)


def after(facts: list[Progress]) -> Progress:
    """What a reader holds after it has heard the facts one by one."""
    held = facts[0]
    for fact in facts[1:]:
        held = fact if fact.is_beyond(held) else held
    return held


@given(
    st.lists(PROGRESS, min_size=1, max_size=8).flatmap(lambda facts: st.tuples(st.just(facts), st.permutations(facts)))
)
def test_the_order_of_facts_does_not_matter(facts_and_shuffled: tuple[list[Progress], list[Progress]]) -> None:
    facts, shuffled = facts_and_shuffled

    assert after(facts) == after(shuffled)


@given(st.lists(PROGRESS, min_size=1, max_size=8))
def test_facts_heard_again_change_nothing(facts: list[Progress]) -> None:
    assert after(facts + facts) == after(facts) == after([*facts, after(facts)])


@given(PROGRESS, PROGRESS, PROGRESS)
def test_being_beyond_is_a_strict_order(one: Progress, other: Progress, third: Progress) -> None:
    assert not one.is_beyond(one)
    assert not (one.is_beyond(other) and other.is_beyond(one))
    assert not (one.is_beyond(other) and other.is_beyond(third)) or one.is_beyond(third)
    assert one == other or one.is_beyond(other) or other.is_beyond(one)


@given(PROGRESS, st.integers(1, 9), st.integers(0, 9))
def test_nothing_is_beyond_published_but_published(other: Progress, revision: int, attempts: int) -> None:
    published = Progress(State.PUBLISHED, revision, attempts)

    assert not other.is_beyond(published) or other.state is State.PUBLISHED


@pytest.mark.parametrize(
    ("earlier", "later"),
    list(
        pairwise(
            [
                Progress(State.SCHEDULED, 1),
                Progress(State.DISPATCHED, 1),
                Progress(State.RETRYING, 1, 1, in_doubt=True),
                Progress(State.RETRYING, 1, 1),
                Progress(State.UNKNOWN, 1, 1),
                Progress(State.HELD, 1, 1),
                Progress(State.FAILED, 1, 1),
                Progress(State.SKIPPED, 1, 1),
                Progress(State.RETRYING, 1, 2, in_doubt=True),
                Progress(State.RETRYING, 1, 3),
                Progress(State.FAILED, 1, 3),
                Progress(State.RETRYING, 1, 3, retries=1),
                Progress(State.HELD, 1, 3, retries=1),
                Progress(State.HELD, 1, 3, retries=2),
                Progress(State.CANCELLED, 1),
                Progress(State.SCHEDULED, 2),
                Progress(State.FAILED, 2, 1),
                Progress(State.CANCELLED, 3),
                Progress(State.SCHEDULED, 4),
                Progress(State.PUBLISHED, 1),
                Progress(State.PUBLISHED, 1, 1),
                Progress(State.PUBLISHED, 2, 1),
            ]
        )
    ),
)
def test_later_means_published_then_revision_then_cancelled_then_retries_then_attempts(
    earlier: Progress, later: Progress
) -> None:
    assert later.is_beyond(earlier)
    assert not earlier.is_beyond(later)


@pytest.mark.parametrize(
    ("fact", "progress"),
    [
        (ScheduleAccepted(**KEY, revision=2, publish_at=AT, changed=True), Progress(State.SCHEDULED, 2)),
        (ScheduleCancelled(**KEY, revision=3, reason="requested"), Progress(State.CANCELLED, 3)),
        (ScheduleSuperseded(**KEY, revision=1, by=2), Progress(State.SCHEDULED, 2)),
        (PublishRequested(**KEY, revision=1, publish_at=AT, content="Hello"), Progress(State.DISPATCHED, 1)),
        (
            PublishRetrying(**KEY, revision=1, attempt=2, next_attempt_at=AT, error=ERROR),
            Progress(State.RETRYING, 1, 2),
        ),
        (
            PublishRetrying(**KEY, revision=1, attempt=2, next_attempt_at=AT, error=ERROR, in_doubt=True),
            Progress(State.RETRYING, 1, 2, in_doubt=True),
        ),
        (
            PublishSucceeded(**KEY, revision=1, platform="x", published_at=AT, lateness_ms=0.1, attempts=2),
            Progress(State.PUBLISHED, 1, 2),
        ),
        (PublishFailed(**KEY, revision=1, attempts=3, error=ERROR), Progress(State.FAILED, 1, 3)),
        (PublishUnknown(**KEY, revision=1, attempts=1, error=ERROR), Progress(State.UNKNOWN, 1, 1)),
        (PublishSkipped(**KEY, revision=1, reason="too_late"), Progress(State.SKIPPED, 1)),
        (PublishHeld(**KEY, revision=1, reason="late", attempts=1), Progress(State.HELD, 1, 1)),
        (PublishFailed(**KEY, revision=1, attempts=3, error=ERROR, retries=2), Progress(State.FAILED, 1, 3, retries=2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_fact_tells_how_far_the_post_has_come(fact: Event, progress: Progress) -> None:
    assert progress_of(fact) == progress


@pytest.mark.parametrize(
    ("progress", "may_be_out"),
    [
        (Progress(State.RETRYING, 1, 1), False),
        (Progress(State.RETRYING, 1, 1, in_doubt=True), True),
        (Progress(State.UNKNOWN, 1, 1), True),
        (Progress(State.FAILED, 1, 3), False),
        (Progress(State.CANCELLED, 2), False),
        (Progress(State.PUBLISHED, 1, 1), True),
    ],
)
def test_a_post_that_may_have_landed_may_be_out(progress: Progress, may_be_out: bool) -> None:
    assert progress.may_be_out is may_be_out


def test_every_fact_about_a_post_and_a_revision_tells_progress() -> None:
    told = {
        name
        for name, event in EVENTS.items()
        if {"post_id", "account_id", "revision"} <= event.model_fields.keys() and event is not PublishWithdrawRequested
    }

    assert told == {
        "schedule.accepted", "schedule.cancelled", "schedule.superseded", "publish.requested", "publish.retrying",
        "publish.succeeded", "publish.failed", "publish.unknown", "publish.skipped", "publish.held",
    }  # fmt: skip
