"""What becomes of a publication after each way in which a send can end."""

import json
from datetime import timedelta
from typing import Any

import pytest

from services.publisher.domain import MAX_ATTEMPTS
from services.publisher.facts import as_text, kept
from services.publisher.outcomes import (
    LOOK_UPS_FOR,
    Outcome,
    after_cancellation,
    after_failed_look_up,
    after_failure,
    after_success,
)
from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from shared.events.progress import State
from shared.events.publisher import AccountRefreshFailed, PublishRetrying, PublishSucceeded
from tests.support.publications import NOON, SECOND, a_publication

TRANSIENT = Transient("HTTP 503", code="503")
LIMITED = RateLimited("HTTP 429", retry_after=timedelta(seconds=30), code="429")
REJECTED = Rejected("HTTP 422", code="422")
UNAUTHORIZED = Unauthorized("HTTP 401", code="401")
UNCONFIRMED = Unconfirmed("no reply", code="no_reply")
NOT_SENT = NotSent("no connection")
UNAVAILABLE = Unavailable("HTTP 503", code="503")
LAST = MAX_ATTEMPTS


def sent(attempts: int = 1, **changes: Any) -> Any:
    return a_publication(
        state=State.SENDING, attempts=attempts, claim_token="mine", lease_until=NOON + SECOND, **changes
    )


def failed(error: PlatformError, *, attempts: int = 1, deduplicates: bool = False, **changes: Any) -> Outcome:
    """The outcome of the error at noon, without jitter."""
    return after_failure(sent(attempts, **changes), error, deduplicates=deduplicates, jitter=0, now=NOON)


def facts_of(outcome: Outcome) -> list[str]:
    return [fact.type for fact in outcome.told]


AGAIN, PARKED, DONE = "again", "parked", "done"
RETRYING = (State.RETRYING, ["publish.retrying"], AGAIN)
FAILED = (State.FAILED, ["publish.failed"], PARKED)
UNKNOWN = (State.UNKNOWN, ["publish.unknown"], DONE)
HELD = (State.HELD, ["publish.held", "account.refresh_failed"], DONE)


def message_of(outcome: Outcome) -> str:
    if outcome.again_in is not None:
        return AGAIN
    return DONE if outcome.parked_because is None else PARKED


# the error, the attempt it befell, whether the platform deduplicates, and what follows
@pytest.mark.parametrize(
    ("error", "attempt", "deduplicates", "expected"),
    [
        (NOT_SENT, 1, False, RETRYING),
        (UNAVAILABLE, 1, False, RETRYING),
        (TRANSIENT, 1, False, RETRYING),
        (TRANSIENT, 1, True, RETRYING),
        (TRANSIENT, LAST - 1, False, RETRYING),
        (TRANSIENT, LAST, False, FAILED),
        (TRANSIENT, LAST, True, FAILED),
        (LIMITED, 1, False, RETRYING),
        (LIMITED, LAST, False, RETRYING),
        (LIMITED, LAST, True, RETRYING),
        (REJECTED, 1, False, FAILED),
        (REJECTED, 1, True, FAILED),
        (UNAUTHORIZED, 1, False, HELD),
        (UNAUTHORIZED, LAST, True, HELD),
        (UNCONFIRMED, 1, False, UNKNOWN),
        (UNCONFIRMED, 1, True, RETRYING),
        (UNCONFIRMED, LAST, False, UNKNOWN),
        (UNCONFIRMED, LAST, True, UNKNOWN),
    ],
)
def test_each_error_has_its_consequence(
    error: PlatformError, attempt: int, deduplicates: bool, expected: tuple[State, list[str], str]
) -> None:
    outcome = failed(error, attempts=attempt, deduplicates=deduplicates)

    assert (outcome.publication.state, facts_of(outcome), message_of(outcome)) == expected


def test_every_error_in_the_tree_has_been_considered() -> None:
    errors = (NOT_SENT, UNAVAILABLE, TRANSIENT, LIMITED, REJECTED, UNAUTHORIZED, UNCONFIRMED)

    assert {*PlatformError.__subclasses__(), *Unavailable.__subclasses__()} == {type(error) for error in errors}


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5), (2, 10)])
def test_a_transient_failure_backs_off(attempt: int, seconds: int) -> None:
    outcome = failed(TRANSIENT, attempts=attempt)

    assert outcome.publication.not_before == NOON + seconds * SECOND
    assert outcome.publication.attempts == attempt
    assert outcome.again_in == seconds * SECOND


@pytest.mark.parametrize(("asked", "seconds"), [(1, 5), (77, 77)])
def test_a_platform_may_lengthen_the_backoff_but_not_shorten_it(asked: int, seconds: int) -> None:
    error = Transient("HTTP 503", retry_after=timedelta(seconds=asked))

    assert failed(error).publication.not_before == NOON + seconds * SECOND


@pytest.mark.parametrize("attempt", [1, LAST])
def test_a_rate_limit_costs_no_attempt(attempt: int) -> None:
    outcome = failed(LIMITED, attempts=attempt)

    assert outcome.publication.attempts == attempt - 1
    assert outcome.publication.start_at == outcome.closed_until == NOON + LIMITED.retry_after
    assert isinstance(outcome.told[0], PublishRetrying)
    assert outcome.told[0].next_attempt_at == NOON + LIMITED.retry_after


def test_a_revived_post_may_fail_as_often_again() -> None:
    allowed = 2 * MAX_ATTEMPTS

    assert failed(TRANSIENT, attempts=allowed - 1, attempts_allowed=allowed).publication.state == State.RETRYING
    assert failed(TRANSIENT, attempts=allowed, attempts_allowed=allowed).publication.state == State.FAILED


def test_the_dead_letter_says_what_happened_and_how_often() -> None:
    once, often = failed(REJECTED), failed(TRANSIENT, attempts=LAST)

    assert once.parked_because == "rejected after 1 attempt: HTTP 422"
    assert often.parked_because == "transient after 3 attempts: HTTP 503"


def test_bad_credentials_hold_the_post_and_ask_for_the_account() -> None:
    held, refused = failed(UNAUTHORIZED).told

    assert "connect account 'account' again" in held.reason  # type: ignore[attr-defined]
    assert isinstance(refused, AccountRefreshFailed)
    assert refused.needs_reconnect


def test_success_tells_the_lateness_of_the_start_of_the_send() -> None:
    started_at = NOON + timedelta(milliseconds=1.5)

    outcome = after_success(sent(2), Published("id", "https://x.example/id"), started_at, NOON + 9 * SECOND)

    (fact,) = outcome.told
    assert isinstance(fact, PublishSucceeded)
    assert (fact.published_at, fact.lateness_ms, fact.attempts) == (started_at, 1.5, 2)
    assert (fact.platform_post_id, fact.url) == ("id", "https://x.example/id")
    assert (outcome.publication.state, message_of(outcome)) == (State.PUBLISHED, DONE)


def test_a_cancellation_at_the_last_look_costs_no_attempt() -> None:
    outcome = after_cancellation(sent(1), "cancelled", NOON)

    assert (outcome.publication.state, outcome.publication.attempts) == (State.SKIPPED, 0)
    assert outcome.told[0].model_dump()["reason"] == "cancelled"
    assert message_of(outcome) == DONE


@pytest.mark.parametrize(
    "outcome",
    [
        after_success(sent(), Published("id"), NOON, NOON),
        after_cancellation(sent(), "superseded", NOON),
        failed(REJECTED),
        failed(UNAUTHORIZED),
        failed(UNCONFIRMED),
    ],
    ids=lambda outcome: outcome.publication.state,
)
def test_what_is_settled_is_kept_as_it_was_told(outcome: Outcome) -> None:
    publication = outcome.publication

    assert publication.outcome is not None
    assert kept(publication.outcome) == outcome.told[0]
    assert (publication.claim_token, publication.lease_until, publication.slot_at) == (None, None, None)


def test_a_kept_fact_names_its_type() -> None:
    (fact,) = failed(UNCONFIRMED).told

    assert json.loads(as_text(fact))["type"] == "publish.unknown"


def test_a_failed_look_up_is_repeated_for_an_hour_and_then_left_to_a_person() -> None:
    early = after_failed_look_up(sent(), TRANSIENT, NOON + LOOK_UPS_FOR - SECOND)
    late = after_failed_look_up(sent(), TRANSIENT, NOON + LOOK_UPS_FOR)

    assert early is None
    assert late is not None
    assert facts_of(late) == ["publish.unknown"]
