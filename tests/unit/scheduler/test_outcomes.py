"""What the publisher's facts say of a revision that requests wait for."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.scheduler.domain import Schedule
from services.scheduler.outcomes import Outcome, advanced, answered, contradicted, is_taken_back
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.scheduler import ScheduleRejected
from tests.support.schedules import DUE, NOON, schedule

KEY: dict[str, Any] = {"post_id": "post-1", "account_id": "acct-1"}
ERROR = ErrorDetail(kind="transient", code="503", message="try later")
LATER = NOON + timedelta(minutes=10)


def retrying(revision: int = 2, attempt: int = 1, *, in_doubt: bool = False, at: datetime = DUE) -> PublishRetrying:
    return PublishRetrying(
        **KEY, revision=revision, attempt=attempt, next_attempt_at=at, error=ERROR, in_doubt=in_doubt
    )


def skipped(revision: int = 2, reason: Any = "superseded") -> PublishSkipped:
    return PublishSkipped(**KEY, revision=revision, reason=reason)


def succeeded(revision: int = 2) -> PublishSucceeded:
    return PublishSucceeded(**KEY, revision=revision, platform="x", published_at=DUE, lateness_ms=0, attempts=1)


def failed(revision: int = 2, attempts: int = 1) -> PublishFailed:
    return PublishFailed(**KEY, revision=revision, attempts=attempts, error=ERROR)


def unknown(revision: int = 2, attempts: int = 1) -> PublishUnknown:
    return PublishUnknown(**KEY, revision=revision, attempts=attempts, error=ERROR)


def waited_for(**changes: Any) -> Schedule:
    """The second revision, for which a request waits."""
    usual: dict[str, Any] = {"revision": 2, "state": State.DISPATCHED, "pending": 1}
    return schedule(**usual | changes)


def answer(current: Schedule, *facts: Outcome) -> bool | None:
    return is_taken_back(advanced(current, facts, LATER), facts)


@pytest.mark.parametrize(
    ("facts", "is_back"),
    [
        pytest.param([skipped()], True, id="taken back"),
        pytest.param([skipped(reason="cancelled")], True, id="cancelled"),
        pytest.param([skipped(3)], True, id="a later revision taken back"),
        pytest.param([skipped(1)], None, id="an earlier revision taken back"),
        pytest.param([skipped(reason="too_late")], None, id="too late can still be tried again"),
        pytest.param([failed()], None, id="failed can still be tried again"),
        pytest.param([PublishHeld(**KEY, revision=2, reason="late")], None, id="held can still be tried again"),
        pytest.param([retrying()], None, id="tried again"),
        pytest.param([failed(), skipped()], True, id="failed, then taken back"),
        pytest.param([succeeded()], False, id="published"),
        pytest.param([succeeded(1)], False, id="an earlier revision published"),
        pytest.param([unknown()], False, id="may be out"),
        pytest.param([unknown(1)], False, id="an earlier revision may be out"),
        pytest.param([retrying(in_doubt=True)], False, id="in doubt"),
        pytest.param([retrying(1, in_doubt=True)], False, id="an earlier revision in doubt"),
        pytest.param([unknown(), skipped()], True, id="it was found not to be out"),
        pytest.param([unknown(), succeeded()], False, id="it was found to be out"),
        pytest.param([retrying(in_doubt=True), retrying(attempt=2)], None, id="a doubt disproved by a later attempt"),
    ],
)
def test_only_a_withdrawal_answers_yes_and_only_what_may_be_out_no(facts: list[Outcome], is_back: bool | None) -> None:
    assert {answer(waited_for(), *order) for order in permutations(facts)} == {is_back}


def test_a_doubt_of_an_attempt_before_the_last_says_nothing() -> None:
    assert answer(waited_for(state=State.RETRYING, attempts=2), retrying(attempt=1, in_doubt=True)) is None


def test_a_doubt_of_the_last_attempt_counts_though_it_is_heard_again() -> None:
    assert answer(waited_for(state=State.RETRYING, attempts=2), retrying(attempt=2, in_doubt=True)) is False


def test_a_doubt_of_an_earlier_revision_counts_however_many_attempts_this_one_had() -> None:
    assert answer(waited_for(state=State.RETRYING, attempts=2), unknown(1)) is False


def test_a_skip_answers_however_many_attempts_were_heard_of() -> None:
    assert answer(waited_for(state=State.FAILED, attempts=3), skipped()) is True


def test_facts_bring_a_schedule_as_far_as_the_latest_of_them() -> None:
    current = schedule(state=State.DISPATCHED)

    after = advanced(current, [failed(1, 3), retrying(1, 1, in_doubt=True)], LATER)

    assert (after.state, after.attempts, after.in_doubt, after.outcome_expected_at) == (State.FAILED, 3, False, LATER)
    assert advanced(after, [retrying(1, 2)], LATER) is after


def test_a_retry_is_expected_at_its_time_and_in_doubt_while_it_may_have_landed() -> None:
    after = advanced(schedule(state=State.DISPATCHED), [retrying(1, in_doubt=True)], LATER)

    assert (after.in_doubt, after.outcome_expected_at) == (True, DUE)
    assert advanced(after, [retrying(1)], LATER).in_doubt is False


def test_while_requests_wait_their_answer_is_expected_first() -> None:
    asked = waited_for(outcome_expected_at=NOON)

    assert advanced(asked, [retrying()], LATER).outcome_expected_at == NOON


def test_once_nobody_waits_the_outcome_is_expected_when_it_was_told() -> None:
    asked = waited_for(outcome_expected_at=NOON)
    doubt = retrying(in_doubt=True, at=LATER + timedelta(minutes=1))

    after = answered(advanced(asked, [doubt], LATER), [doubt], LATER)

    assert (after.pending, after.outcome_expected_at) == (0, doubt.next_attempt_at)


def test_an_accepted_revision_that_an_earlier_one_forestalled_is_rejected_after_all() -> None:
    rejected = contradicted(schedule(revision=2), [succeeded(1)])

    assert isinstance(rejected, ScheduleRejected)
    assert rejected.code == "already_published"
    assert rejected.reason.startswith("revision 2 of 'post-1' on 'acct-1' came too late: revision 1 has been published")


@pytest.mark.parametrize(
    ("current", "fact"),
    [
        (schedule(), succeeded(1)),
        (schedule(revision=2, state=State.PUBLISHED), succeeded(1)),
        (schedule(revision=2), unknown(1)),
        (schedule(revision=2), failed(1)),
    ],
)
def test_nothing_else_takes_an_answer_back(current: Schedule, fact: Outcome) -> None:
    assert contradicted(current, [fact]) is None


def test_an_outcome_is_expected_when_the_next_try_was_told_last() -> None:
    """A post may wait several times within one attempt; the sweep leaves it alone until the last of them is over."""
    first, second = retrying(), retrying(at=DUE + timedelta(minutes=5))
    current = schedule(revision=2, state=State.DISPATCHED)

    one_by_one = advanced(advanced(current, [first], NOON), [second], NOON)

    assert one_by_one.outcome_expected_at == second.next_attempt_at
    for together in permutations([first, second]):
        assert advanced(current, together, NOON) == one_by_one
    assert advanced(one_by_one, [first], NOON) == one_by_one


def test_whoever_waits_for_an_answer_is_not_put_off_by_another_wait() -> None:
    current = waited_for(state=State.RETRYING, attempts=1)

    assert advanced(current, [retrying(at=LATER)], NOON) == current
