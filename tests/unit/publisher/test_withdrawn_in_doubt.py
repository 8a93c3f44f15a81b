"""A post that is to be taken back while it may be out: nobody is told that it was not sent before that is certain."""

from datetime import timedelta
from typing import Any

import pytest

from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.sending.next_step import next_step
from services.publisher.sending.outcomes import Outcome
from services.publisher.sending.steps import Settle
from services.publisher.sending.taking import take
from shared.events.progress import State
from shared.events.publisher import PublishRetrying, PublishSkipped
from tests.support.publications import NOON, a_case, a_publication, an_attempt, delivered, requested

MINUTE = timedelta(minutes=1)
WITHDRAWN: dict[str, Any] = {"withdrawn": 1, "withdrawn_because": "cancelled"}


def settled(case: Any) -> Outcome:
    step = next_step(case, NOON + MINUTE)
    assert isinstance(step, Settle), step
    return step.outcome


@pytest.mark.parametrize("attempt", [an_attempt(), an_attempt(Evidence.UNKNOWN)], ids=["its sender died", "unknown"])
def test_a_withdrawn_post_in_doubt_is_taken_over_so_that_the_doubt_is_settled(attempt: Attempt) -> None:
    current = a_publication(state=State.SENDING, **WITHDRAWN)

    taken = take(delivered(), current, [attempt], NOON + MINUTE)

    assert (taken.changed, taken.publication.claim_token) == (True, "mine")
    assert [one.evidence for one in taken.attempts] == [Evidence.UNKNOWN]


@pytest.mark.parametrize("attempts", [[], [an_attempt(Evidence.REFUSED)], [an_attempt(Evidence.DISPROVED)]])
def test_a_withdrawn_post_of_which_nothing_is_out_is_taken_over_to_be_skipped(attempts: list[Attempt]) -> None:
    taken = take(delivered(), a_publication(**WITHDRAWN), attempts, NOON + MINUTE)

    outcome = settled(a_case(*taken.attempts, publication=WITHDRAWN))

    assert taken.changed
    assert outcome.publication is not None
    assert (outcome.publication.state, outcome.told[0].type) == (State.SKIPPED, "publish.skipped")


def test_the_doubt_is_told_to_whoever_wants_the_post_back_before_anything_else_is_done() -> None:
    outcome = settled(a_case(an_attempt(Evidence.UNKNOWN), publication=WITHDRAWN))

    (told,) = outcome.told
    assert isinstance(told, PublishRetrying)
    assert (told.in_doubt, told.next_attempt_at) == (True, NOON + MINUTE)
    assert (outcome.stands_when_withdrawn, outcome.rest) == (True, timedelta(0))


def test_a_delivery_that_has_no_claim_tells_nobody_that_a_doubtful_post_was_skipped() -> None:
    older = requested(revision=1)
    publication = {"revision": 2, "claim_token": "theirs", "withdrawn": 2, "withdrawn_because": "cancelled"}
    certain = a_case(event=older, publication=publication, is_ours=False)
    doubtful = a_case(an_attempt(Evidence.UNKNOWN), event=older, publication=publication, is_ours=False)

    assert [type(fact) for fact in settled(certain).told] == [PublishSkipped]
    assert settled(doubtful).told == ()
