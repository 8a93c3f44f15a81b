"""When a post is tried again."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.domain import (
    JITTER,
    LONGEST_BACKOFF,
    MAX_ATTEMPTS,
    ON_TIME,
    again,
    backoff,
    postponed,
    revived,
    too_late,
)
from shared.events.progress import State
from shared.events.requests import LatePolicy
from tests.support.publications import NOON, SECOND, a_publication


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (9, 1280), (10, 2560), (11, 3600), (12, 3600), (1000, 3600)],
)
def test_the_backoff_doubles_from_five_seconds_to_an_hour(attempts: int, seconds: int) -> None:
    assert backoff(attempts, jitter=0) == timedelta(seconds=seconds)


@given(attempts=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_jitter_lengthens_the_backoff_by_a_tenth_at_most(attempts: int, jitter: float) -> None:
    plain = backoff(attempts, jitter=0)

    jittered = backoff(attempts, jitter=jitter)

    assert plain <= jittered <= plain * (1 + JITTER) <= LONGEST_BACKOFF * (1 + JITTER)


@given(attempts=st.integers(1, 10_000))
def test_the_backoff_never_shrinks(attempts: int) -> None:
    assert backoff(attempts, jitter=0) <= backoff(attempts + 1, jitter=0)


@given(
    grace=st.floats(0, 366 * 86400),
    late=st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=400)),
    mode=st.sampled_from(["publish", "skip", "hold"]),
)
def test_nothing_within_its_grace_is_too_late(grace: float, late: timedelta, mode: str) -> None:
    policy = LatePolicy.model_validate({"mode": mode, "grace_seconds": grace})

    verdict = too_late(policy, NOON, NOON + late)

    if late <= max(timedelta(seconds=grace), ON_TIME):
        assert verdict is None
    else:
        assert verdict == ("skip" if mode == "skip" else "hold")


NEVER_SENT = a_publication(state=State.SENDING, attempts=1, slot_at=NOON, lease_until=NOON + SECOND)


@pytest.mark.parametrize(("used_attempt", "attempts"), [(True, 1), (False, 0)])
def test_a_post_that_waits_for_its_next_attempt_needs_a_new_slot_and_a_new_claim(
    used_attempt: bool, attempts: int
) -> None:
    waiting = again(NEVER_SENT, not_before=NOON + 5 * SECOND, used_attempt=used_attempt, now=NOON)

    assert waiting.state == State.RETRYING
    assert waiting.attempts == attempts
    assert waiting.start_at == NOON + 5 * SECOND
    assert (waiting.slot_at, waiting.claim_token, waiting.lease_until) == (None, None, None)


def test_a_post_that_waits_for_its_slot_keeps_it() -> None:
    slot_at = NOON + 40 * SECOND

    waiting = postponed(a_publication(), slot_at, NOON)

    assert (waiting.state, waiting.start_at, waiting.slot_at) == (State.RETRYING, slot_at, slot_at)
    assert waiting.claim_token is None


def test_a_revived_post_has_a_new_set_of_attempts_and_starts_at_once() -> None:
    failed = a_publication(state=State.FAILED, attempts=3, outcome="{}")

    again_ = revived(failed, NOON + SECOND)

    assert again_.attempts_allowed == 3 + MAX_ATTEMPTS
    assert again_.start_at == NOON + SECOND
    assert again_.outcome is None


@pytest.mark.parametrize(
    ("not_before", "slot_at", "start_at"),
    [
        (NOON, None, NOON),
        (NOON, NOON + SECOND, NOON + SECOND),
        (NOON + 2 * SECOND, NOON + SECOND, NOON + 2 * SECOND),
    ],
)
def test_a_send_starts_when_it_is_due_and_in_its_slot(
    not_before: datetime, slot_at: datetime | None, start_at: datetime
) -> None:
    assert a_publication(not_before=not_before, slot_at=slot_at).start_at == start_at
