"""The next step of a post of which nothing is out."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.publisher.platforms.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unavailable,
)
from services.publisher.sending.case import Blocked, Case
from services.publisher.sending.evidence import Evidence
from services.publisher.sending.next_step import next_step
from services.publisher.sending.outcomes import Outcome
from services.publisher.sending.steps import Prepare, Renew, Reserve, Settle, Step
from shared.events.progress import State
from shared.events.publisher import PublishHeld, PublishRetrying
from shared.events.requests import LatePolicy, RetryPolicy
from tests.support.publications import NOON, SECOND, a_case, a_stored_account, an_attempt, requested

READY: Any = object()
REFUSED = an_attempt(Evidence.REFUSED)
MINUTE = 60 * SECOND
LATE = NOON + 2 * MINUTE
BUSY, NEVER = Transient("busy"), Rejected("too long")
AWAY, LATER = NotSent("refused"), Unavailable("HTTP 503")
LIMITED = RateLimited("HTTP 429", retry_after=90 * SECOND)
DEAD_TOKEN = Unauthorized("token revoked")


def having(*attempts: Any, mode: str = "publish", grace: float = 3600, tries_allowed: int = 3, **changes: Any) -> Case:
    policy = LatePolicy.model_validate({"mode": mode, "grace_seconds": grace})
    event = requested(late_policy=policy, retry=RetryPolicy(attempts=tries_allowed))
    return a_case(*attempts, event=event, **changes)


def settled(step: Step) -> Outcome:
    assert isinstance(step, Settle), step
    return step.outcome


def kind(step: Step) -> str:
    return settled(step).told[0].type


def retried(step: Step) -> PublishRetrying:
    """The retry that is told, with nothing in doubt."""
    (told,) = settled(step).told
    assert isinstance(told, PublishRetrying)
    assert not told.in_doubt
    assert not settled(step).stands_when_withdrawn
    return told


@pytest.mark.parametrize("attempts", [(), (REFUSED,), (an_attempt(Evidence.DISPROVED),)])
def test_a_post_is_prepared_then_given_a_start(attempts: Any) -> None:
    assert next_step(having(*attempts), NOON) == Prepare()
    assert next_step(having(*attempts, ready=READY), NOON) == Reserve()


@pytest.mark.parametrize("error", [None, BUSY, NEVER, DEAD_TOKEN])
def test_a_post_that_was_withdrawn_is_skipped_whatever_else(error: PlatformError | None) -> None:
    case = having(REFUSED, error=error, publication={"withdrawn": 1, "withdrawn_because": "superseded"})

    outcome = settled(next_step(case, NOON))

    assert [(fact.type, fact.reason) for fact in outcome.told] == [("publish.skipped", "superseded")]  # type: ignore[attr-defined]


def test_a_post_whose_account_cannot_be_used_is_held_with_the_reason() -> None:
    assert kind(next_step(having(problem="not connected"), NOON)) == "publish.held"


@pytest.mark.parametrize(
    ("tries", "expected"), [(1, "publish.retrying"), (2, "publish.retrying"), (3, "publish.failed")]
)
def test_a_passing_refusal_is_tried_again_until_the_tries_are_used(tries: int, expected: str) -> None:
    assert kind(next_step(having(REFUSED, error=BUSY, publication={"tries": tries}), NOON)) == expected


def test_a_request_may_allow_more_tries() -> None:
    case = having(REFUSED, error=BUSY, tries_allowed=10, publication={"tries": 9})

    assert kind(next_step(case, NOON)) == "publish.retrying"


def test_what_comes_back_without_tries_left_has_failed() -> None:
    """Its last attempt was lost with its sender, and a look-up has disproved it."""
    assert kind(next_step(having(an_attempt(Evidence.DISPROVED), publication={"tries": 3}), NOON)) == "publish.failed"


def test_what_the_network_never_takes_fails_at_once() -> None:
    outcome = settled(next_step(having(REFUSED, error=NEVER, publication={"tries": 1}), NOON))

    assert outcome.told[0].type == "publish.failed"
    assert outcome.parked_because == "rejected after 1 attempt: too long"


@pytest.mark.parametrize("error", [AWAY, LATER], ids=["nothing arrived", "come back later"])
def test_what_never_arrived_is_tried_until_its_grace_is_over_and_uses_no_try(error: PlatformError) -> None:
    now, case, tried = NOON, having(error=error), 0
    while isinstance(settled(step := next_step(case, now)).told[0], PublishRetrying):
        kept, now, tried = settled(step).publication, retried(step).next_attempt_at, tried + 1
        assert kept is not None
        assert kept.tries == 0
        case = having(error=error, publication={"waits": kept.waits})

    assert kind(step) == "publish.held"
    assert NOON + timedelta(minutes=55) <= now <= NOON + timedelta(hours=1)
    assert 12 <= tried <= 25


@pytest.mark.parametrize(("mode", "expected"), [("skip", "publish.skipped"), ("hold", "publish.held")])
@pytest.mark.parametrize("error", [AWAY, LATER, BUSY])
def test_a_retry_that_would_come_too_late_follows_the_policy(error: PlatformError, mode: str, expected: str) -> None:
    case = having(REFUSED, error=error, mode=mode, grace=60, publication={"tries": 1})

    assert kind(next_step(case, NOON + 59 * SECOND)) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("skip", "publish.skipped"), ("hold", "publish.held"), ("publish", "publish.held")],
)
def test_a_post_that_is_found_too_late_follows_its_policy(mode: str, expected: str) -> None:
    assert kind(next_step(having(mode=mode, grace=60), LATE)) == expected
    assert kind(next_step(having(mode=mode, grace=60, ready=READY), LATE)) == expected


def test_a_post_that_is_held_for_its_lateness_says_its_grace_and_the_way_out() -> None:
    (held,) = settled(next_step(having(mode="hold", grace=60), NOON + 90 * SECOND)).told

    assert isinstance(held, PublishHeld)
    assert held.reason == (
        "later than its grace of 0:01:00 allows: found 0:01:30 after it was due; "
        "retry the post to publish it all the same"
    )


@pytest.mark.parametrize("wait", ["an attempt", "its account is closed", "its line is long"])
@pytest.mark.parametrize(("mode", "expected"), [("skip", "publish.skipped"), ("hold", "publish.held")])
def test_every_wait_counts_for_the_late_policy(mode: str, expected: str, wait: str) -> None:
    waits: dict[str, dict[str, Any]] = {
        "an attempt": {"publication": {"state": State.RETRYING, "not_before": LATE}},
        "its account is closed": {"account": a_stored_account(closed_until=LATE)},
        "its line is long": {"blocked": Blocked(LATE)},
    }
    now = LATE if wait == "an attempt" else NOON + SECOND

    assert kind(next_step(having(mode=mode, grace=60, **waits[wait]), now)) == expected


def test_a_limit_is_waited_for_without_a_try_and_closes_the_account() -> None:
    step = next_step(having(REFUSED, error=LIMITED), NOON)
    outcome = settled(step)

    assert retried(step).next_attempt_at == outcome.closed_until == NOON + 90 * SECOND
    assert outcome.publication is not None
    assert (outcome.publication.tries, outcome.publication.not_before) == (0, NOON)


def test_a_limit_of_uploads_alone_is_waited_for_and_closes_nothing() -> None:
    step = next_step(having(error=RateLimited("HTTP 429", retry_after=90 * SECOND, closes=False)), NOON)

    assert retried(step).next_attempt_at == NOON + 90 * SECOND
    assert settled(step).closed_until is None


def test_a_closed_account_is_waited_for_in_due_order() -> None:
    case = having(account=a_stored_account(closed_until=NOON + MINUTE))

    step = next_step(case, NOON)

    assert retried(step).next_attempt_at == NOON + MINUTE
    kept = settled(step).publication
    assert kept is not None
    assert kept.not_before == NOON


@pytest.mark.parametrize("until", [NOON - SECOND, NOON, NOON + SECOND])
def test_an_account_that_opens_before_the_post_is_due_stops_nothing(until: datetime) -> None:
    case = having(account=a_stored_account(closed_until=until), publication={"not_before": NOON + SECOND})

    assert next_step(case, NOON) == Prepare()


def test_a_refused_token_is_renewed_once_then_its_posts_are_held() -> None:
    assert next_step(having(REFUSED, error=DEAD_TOKEN, can_renew=True), NOON) == Renew()
    step = next_step(having(REFUSED, error=DEAD_TOKEN, can_renew=True, has_renewed=True), NOON)

    assert [fact.type for fact in settled(step).told] == ["publish.held", "account.refresh_failed"]
    assert kind(next_step(having(REFUSED, error=DEAD_TOKEN), NOON)) == "publish.held"
