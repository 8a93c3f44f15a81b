"""What becomes of a post that must not be sent any more, and what is answered: what is true."""

from datetime import datetime
from typing import Any

import pytest

from services.publisher.domain import CLAIMED
from services.publisher.sending import facts
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.withdrawing import JUST_TOLD, Withdrawn, never_seen, withdraw
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import PublishRetrying, PublishSkipped
from shared.events.scheduler import PublishWithdrawRequested
from tests.support.publications import NOON, SECOND, a_publication, an_attempt

ERROR = ErrorDetail(kind="unconfirmed", code="no_reply", message="no reply")
OUT = facts.unknown(a_publication(), ERROR)
OPEN, LOST, REFUSED = an_attempt(), an_attempt(Evidence.UNKNOWN), an_attempt(Evidence.REFUSED)


def asked(revision: int = 1, reason: Any = "cancelled") -> PublishWithdrawRequested:
    return PublishWithdrawRequested(post_id="post", account_id="account", revision=revision, reason=reason)


def withdrawn(*attempts: Attempt, revision: int = 1, **kept: Any) -> Withdrawn:
    return withdraw(asked(revision), a_publication(**kept), attempts, NOON)


def skipped_revision(answer: Withdrawn) -> int:
    (told,) = answer.told
    assert isinstance(told, PublishSkipped)
    assert told.reason == "cancelled"
    return told.revision


@pytest.mark.parametrize("state", [CLAIMED, State.RETRYING, State.SENDING, State.HELD, State.FAILED, State.SKIPPED])
@pytest.mark.parametrize("attempts", [(), (REFUSED,)], ids=["no attempt", "a refused one"])
def test_what_is_not_out_is_skipped_for_good(state: str, attempts: Any) -> None:
    answer = withdrawn(*attempts, state=state)

    assert skipped_revision(answer) == 1
    kept = answer.publication
    assert kept is not None
    assert (kept.state, kept.claim_token, kept.withdrawn, kept.withdrawn_because) == (
        State.SKIPPED, None, 1, "cancelled"
    )  # fmt: skip
    assert kept.outcome is not None
    assert facts.kept(kept.outcome) == answer.told[0]


def test_a_revision_that_has_not_come_yet_is_skipped_with_those_before() -> None:
    answer = withdrawn(revision=3)

    assert skipped_revision(answer) == 3
    assert answer.publication is not None
    assert (answer.publication.revision, answer.publication.withdrawn) == (3, 3)


@pytest.mark.parametrize("state", [State.PUBLISHED, State.UNKNOWN])
@pytest.mark.parametrize("settled_at", [NOON - JUST_TOLD, NOON + SECOND], ids=["a while ago", "by another clock"])
def test_what_is_out_or_left_to_a_person_is_told_again(state: State, settled_at: datetime) -> None:
    answer = withdrawn(state=state, outcome=facts.as_text(OUT), updated_at=settled_at)

    assert answer == Withdrawn(None, (OUT,))


@pytest.mark.parametrize("state", [State.PUBLISHED, State.UNKNOWN])
def test_what_was_told_a_moment_ago_is_not_told_twice(state: State) -> None:
    answer = withdrawn(state=state, outcome=facts.as_text(OUT), updated_at=NOON - JUST_TOLD + SECOND)

    assert answer == Withdrawn(None)


@pytest.mark.parametrize("attempt", [LOST, an_attempt(lease_until=NOON)], ids=["lost", "its sender died"])
@pytest.mark.parametrize("state", [CLAIMED, State.RETRYING, State.SENDING])
def test_what_may_be_out_goes_on_and_is_told_to_be_in_doubt(state: str, attempt: Attempt) -> None:
    answer = withdrawn(attempt, state=state, not_before=NOON + 5 * SECOND)

    (told,) = answer.told
    assert answer.publication is None
    assert isinstance(told, PublishRetrying)
    assert (told.in_doubt, told.next_attempt_at) == (True, NOON + 5 * SECOND)


def test_what_is_on_its_way_answers_at_its_end() -> None:
    answer = withdrawn(OPEN, state=State.SENDING)

    assert answer.told == ()
    kept = answer.publication
    assert kept is not None
    assert (kept.state, kept.withdrawn, kept.withdrawn_because) == (State.SENDING, 1, "cancelled")
    assert kept.claim_token == "theirs"


@pytest.mark.parametrize("state", [CLAIMED, State.SENDING, State.RETRYING])
def test_a_newer_revision_goes_on_and_the_older_one_is_skipped(state: str) -> None:
    answer = withdraw(asked(1), a_publication(revision=2, state=state), (), NOON)

    assert skipped_revision(answer) == 1
    assert answer.publication is None


@pytest.mark.parametrize("is_told", [True, False])
def test_a_post_that_has_never_been_seen_is_skipped_and_its_request_stopped_when_it_comes(is_told: bool) -> None:
    answer = withdraw(asked(2), None, (), NOON)
    kept = never_seen(asked(2), "correlation", NOON, is_told=is_told)

    assert skipped_revision(answer) == 2
    assert answer.publication is None
    assert (kept.state, kept.revision, kept.withdrawn) == (State.SKIPPED, 2, 2)
    assert (kept.outcome is not None) == is_told
