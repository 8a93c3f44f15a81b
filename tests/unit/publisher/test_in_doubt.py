"""The next step of a post that may be out: the same request, a look-up, or a person; never anything else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.publisher.platforms.base import FOR_EVER
from services.publisher.platforms.errors import (
    NEEDS_RECONNECT,
    AlreadyThere,
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from services.publisher.sending.case import Blocked, Case, Certainty
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.sending.in_doubt import DOUBTS_LAST, SHORTEST_PAUSE
from services.publisher.sending.next_step import next_step
from services.publisher.sending.outcomes import Outcome
from services.publisher.sending.steps import LookUp, Prepare, Renew, Reserve, Settle, Step
from shared.events.publisher import AccountRefreshFailed, PublishFailed, PublishRetrying, PublishUnknown
from tests.support.publications import NOON, SECOND, a_case, an_attempt

LOST = an_attempt(Evidence.UNKNOWN)
NEITHER = Certainty()
REPEATS = Certainty(deduplicates_for=FOR_EVER)
REPEATS_FOR_A_WHILE = Certainty(deduplicates_for=60 * SECOND)
LOOKS = Certainty(answers_look_ups=True)
BOTH = Certainty(deduplicates_for=60 * SECOND, answers_look_ups=True)
SOON = NOON + 5 * SECOND
LATE = NOON + 61 * SECOND
"""When a network has forgotten the request."""
TOO_LATE = NOON + DOUBTS_LAST + SECOND
READY: Any = object()

NO_REPLY, BUSY, REFUSED = Unconfirmed("no reply"), Transient("busy"), Rejected("too long")
AWAY, LATER, LIMITED = NotSent("refused"), Unavailable("HTTP 503"), RateLimited("HTTP 429", retry_after=90 * SECOND)
DEAD_TOKEN = Unauthorized("token revoked")


def in_doubt(certainty: Certainty, error: PlatformError | None = None, **changes: Any) -> Case:
    tries = changes.pop("tries", 1)
    return a_case(LOST, certainty=certainty, error=error, publication={"tries": tries}, **changes)


def settled(step: Step) -> Outcome:
    assert isinstance(step, Settle), step
    return step.outcome


def retried_at(step: Step) -> datetime:
    """When it is tried again, and that everybody is told that it may be out."""
    outcome = settled(step)
    (told,) = outcome.told
    assert isinstance(told, PublishRetrying)
    assert told.in_doubt
    assert outcome.stands_when_withdrawn
    return told.next_attempt_at


def is_left_to_a_person(step: Step) -> bool:
    return isinstance(settled(step).told[0], PublishUnknown) and settled(step).stands_when_withdrawn


@pytest.mark.parametrize(
    ("certainty", "now", "step"),
    [
        (REPEATS, SOON, Prepare()),
        (REPEATS, TOO_LATE, Prepare()),
        (REPEATS_FOR_A_WHILE, SOON, Prepare()),
        (BOTH, SOON, Prepare()),
        (BOTH, LATE, LookUp()),
        (LOOKS, SOON, LookUp()),
        (LOOKS, TOO_LATE, LookUp()),
    ],
)
def test_a_doubt_is_repeated_while_the_network_deduplicates_else_looked_up(
    certainty: Certainty, now: datetime, step: Step
) -> None:
    assert next_step(in_doubt(certainty), now) == step


@pytest.mark.parametrize(("certainty", "now"), [(NEITHER, SOON), (REPEATS_FOR_A_WHILE, LATE)])
def test_where_nobody_can_tell_a_person_is_asked(certainty: Certainty, now: datetime) -> None:
    assert is_left_to_a_person(next_step(in_doubt(certainty), now))


def test_what_is_prepared_is_given_a_start() -> None:
    assert next_step(in_doubt(REPEATS, ready=READY), SOON) == Reserve()


def test_the_window_counts_from_the_first_attempt_that_may_have_landed() -> None:
    second = an_attempt(Evidence.UNKNOWN, number=2, start_at=NOON + 50 * SECOND)

    assert is_left_to_a_person(next_step(a_case(LOST, second, certainty=REPEATS_FOR_A_WHILE), LATE))


@pytest.mark.parametrize("error", [NO_REPLY, BUSY], ids=["no reply", "busy"])
def test_a_repeat_that_settles_nothing_comes_again_after_its_backoff(error: PlatformError) -> None:
    assert retried_at(next_step(in_doubt(REPEATS, error, tries=2), SOON)) == SOON + 10 * SECOND


@pytest.mark.parametrize("certainty", [REPEATS, LOOKS, BOTH], ids=["repeats", "looks", "both"])
@pytest.mark.parametrize(("error", "seconds"), [(AWAY, 5), (LATER, 5), (LIMITED, 90)])
def test_a_network_that_cannot_be_asked_is_asked_later_and_no_try_is_used(
    certainty: Certainty, error: PlatformError, seconds: float
) -> None:
    step = next_step(in_doubt(certainty, error, tries=3), SOON)

    assert retried_at(step) == SOON + timedelta(seconds=seconds)
    kept = settled(step).publication
    assert kept is not None
    assert (kept.tries, kept.waits) == (3, 1)


def test_a_limit_that_is_met_in_doubt_closes_the_account() -> None:
    assert settled(next_step(in_doubt(REPEATS, LIMITED), SOON)).closed_until == SOON + 90 * SECOND


def test_a_limit_of_look_ups_alone_closes_nothing() -> None:
    step = next_step(in_doubt(LOOKS, RateLimited("HTTP 429", retry_after=90 * SECOND, closes=False)), SOON)

    assert retried_at(step) == SOON + 90 * SECOND
    assert settled(step).closed_until is None


def test_a_network_that_wants_a_day_of_rest_does_not_keep_a_person_waiting() -> None:
    a_day = RateLimited("HTTP 429", retry_after=timedelta(days=1), closes=False)

    assert retried_at(next_step(in_doubt(LOOKS, a_day), SOON)) == NOON + DOUBTS_LAST + SHORTEST_PAUSE


@pytest.mark.parametrize("error", [AWAY, LATER, LIMITED])
def test_a_network_that_cannot_be_asked_for_an_hour_leaves_it_to_a_person(error: PlatformError) -> None:
    assert is_left_to_a_person(next_step(in_doubt(REPEATS, error), TOO_LATE))


def test_without_tries_a_doubt_is_looked_up_else_left_to_a_person() -> None:
    assert next_step(in_doubt(BOTH, NO_REPLY, tries=3), SOON) == LookUp()
    assert is_left_to_a_person(next_step(in_doubt(REPEATS, NO_REPLY, tries=3), SOON))


def test_a_repeat_that_is_refused_for_good_proves_nothing_of_the_first() -> None:
    assert next_step(in_doubt(BOTH, REFUSED), SOON) == LookUp()
    assert is_left_to_a_person(next_step(in_doubt(REPEATS, REFUSED), SOON))
    assert is_left_to_a_person(next_step(in_doubt(BOTH, REFUSED, is_looked_up=True), SOON))


def test_a_post_that_is_not_found_is_looked_up_again_when_its_absence_is_proved() -> None:
    lagging = Certainty(answers_look_ups=True, look_up_lag=20 * SECOND)

    step = next_step(in_doubt(lagging, is_looked_up=True), SOON)

    assert retried_at(step) == LOST.lease_until + 20 * SECOND


def test_a_look_up_never_follows_the_last_at_once() -> None:
    case = in_doubt(LOOKS, is_looked_up=True)

    assert retried_at(next_step(case, LOST.lease_until)) == LOST.lease_until + SHORTEST_PAUSE


def test_a_post_whose_absence_is_proved_is_sent_again() -> None:
    proved_at = LOST.lease_until + LOOKS.look_up_lag

    assert next_step(in_doubt(LOOKS).not_found(proved_at), proved_at) == Prepare()
    before = proved_at - timedelta(microseconds=1)
    assert isinstance(next_step(in_doubt(LOOKS).not_found(before), before), Settle)


@pytest.mark.parametrize(("is_looked_up", "now"), [(True, SOON), (True, TOO_LATE)])
def test_a_question_that_is_not_answered_is_asked_again_for_an_hour(is_looked_up: bool, now: datetime) -> None:
    step = next_step(in_doubt(LOOKS, BUSY, is_looked_up=is_looked_up), now)

    assert is_left_to_a_person(step) if now == TOO_LATE else retried_at(step) == now + 5 * SECOND


def test_a_refused_token_is_renewed_once_then_a_person_is_asked_and_told_of_the_account() -> None:
    assert next_step(in_doubt(REPEATS, DEAD_TOKEN, can_renew=True), SOON) == Renew()
    step = next_step(in_doubt(REPEATS, DEAD_TOKEN, can_renew=True, has_renewed=True), SOON)

    assert is_left_to_a_person(step)
    assert isinstance(settled(step).told[1], AccountRefreshFailed)


def test_an_account_that_others_have_told_of_is_not_told_of_again() -> None:
    known = Unauthorized("connect it again", code=NEEDS_RECONNECT)

    assert len(settled(next_step(in_doubt(REPEATS, known), SOON)).told) == 1


def test_a_post_whose_account_cannot_be_used_is_left_to_a_person() -> None:
    assert is_left_to_a_person(next_step(in_doubt(BOTH, problem="not connected"), SOON))


def test_a_doubt_that_waits_for_others_keeps_its_place_in_line() -> None:
    step = next_step(in_doubt(REPEATS, blocked=Blocked(NOON + 40 * SECOND)), SOON)

    assert retried_at(step) == NOON + 40 * SECOND
    kept = settled(step).publication
    assert kept is not None
    assert kept.not_before == NOON


@pytest.mark.parametrize("certainty", [REPEATS, LOOKS, BOTH])
def test_what_may_be_out_elsewhere_is_neither_repeated_nor_looked_up_where_the_account_publishes_now(
    certainty: Certainty,
) -> None:
    elsewhere = an_attempt(Evidence.UNKNOWN, place="before")
    died_there = an_attempt(Evidence.OPEN, place="before")

    for attempt in (elsewhere, died_there):
        moved = a_case(attempt, certainty=certainty, place="now", publication={"tries": 1})
        stayed = replace(moved, place="before")

        assert is_left_to_a_person(next_step(moved, NOON + 31 * SECOND))
        assert not isinstance(next_step(stayed, NOON + 31 * SECOND), Settle)


def test_an_attempt_of_before_places_were_noted_is_taken_for_one_where_the_account_publishes_now() -> None:
    assert next_step(in_doubt(REPEATS, place="now"), SOON) == Prepare()


DISPROVED = an_attempt(Evidence.DISPROVED)


@pytest.mark.parametrize("certainty", [NEITHER, REPEATS, LOOKS, BOTH])
@pytest.mark.parametrize("before", [LOST, DISPROVED], ids=["in doubt", "not found before"])
def test_what_is_refused_as_being_there_may_be_an_attempt_of_before_though_none_was_found(
    before: Attempt, certainty: Certainty
) -> None:
    """A list may be minutes behind, and a person may be wrong."""
    case = a_case(before, certainty=certainty, publication={"tries": 1})
    opened = case.with_opened(an_attempt(number=2), turn=None)  # type: ignore[arg-type]

    step = next_step(opened.lost(AlreadyThere("duplicate content", code="403")), SOON)

    (told,) = settled(step).told
    assert isinstance(told, PublishUnknown)
    assert "duplicate content; it may be this very post" in told.error.message
    evidence = {one.number: one.evidence for one in settled(step).attempts}
    assert evidence[2] is Evidence.REFUSED
    assert evidence.get(1, Evidence.UNKNOWN) is Evidence.UNKNOWN


@pytest.mark.parametrize("before", [(), (an_attempt(Evidence.NOT_SENT),), (an_attempt(Evidence.REFUSED),)])
def test_what_is_there_already_is_another_post_where_nothing_before_may_have_landed(before: Sequence[Attempt]) -> None:
    case = a_case(*before).with_opened(an_attempt(number=2), turn=None)  # type: ignore[arg-type]

    step = next_step(case.lost(AlreadyThere("duplicate content")), SOON)

    assert isinstance(settled(step).told[0], PublishFailed)
