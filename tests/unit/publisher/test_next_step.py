"""The next step of any case: what stands decides, and no fact says more than is known."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.domain import CLAIMED
from services.publisher.platforms.base import FOR_EVER, NEVER, Published
from services.publisher.platforms.errors import (
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
from services.publisher.sending import facts
from services.publisher.sending.case import WAITS_FOR_ITS_TURN, Blocked, Case, Certainty
from services.publisher.sending.evidence import Attempt, Evidence, Standing, standing
from services.publisher.sending.next_step import next_step
from services.publisher.sending.outcomes import NOTHING, PARKED_LATE
from services.publisher.sending.steps import LookUp, Prepare, Renew, Reserve, Rest, Send, Settle, Wait
from services.publisher.sending.taking import take
from shared.events.progress import State
from shared.events.publisher import PublishFailed, PublishHeld, PublishRetrying, PublishSkipped, PublishSucceeded
from shared.events.requests import LatePolicy
from tests.support.publications import (
    NOON,
    SECOND,
    a_case,
    a_publication,
    a_stored_account,
    an_attempt,
    delivered,
    requested,
)

NOT_PUBLISHED = (PublishFailed, PublishSkipped, PublishHeld)
LOST = an_attempt(Evidence.UNKNOWN)
SAID = facts.as_text(facts.failed(a_publication(), WAITS_FOR_ITS_TURN))


def theirs(*attempts: Attempt, event: Any = None, **kept: Any) -> Case:
    """A case whose post is not ours."""
    return a_case(*attempts, event=event, is_ours=False, publication={"claim_token": "theirs", **kept})


def test_an_attempt_of_ours_is_sent_before_anything_else() -> None:
    case = a_case(LOST, error=Rejected("no"), problem="not connected")

    assert next_step(replace(case, opened=an_attempt(number=2)), NOON) == Send()


def test_what_landed_is_told_whoever_has_the_claim() -> None:
    case = theirs(LOST, state=State.RETRYING).found(Published("7"), NOON)

    step = next_step(case, NOON)

    assert isinstance(step, Settle)
    assert isinstance(step.outcome.told[0], PublishSucceeded)
    assert step.outcome.stands_when_withdrawn
    assert [attempt.evidence for attempt in step.outcome.attempts] == [Evidence.LANDED]


@pytest.mark.parametrize("revision", [1, 2])
def test_another_sender_is_waited_for(revision: int) -> None:
    case = theirs(an_attempt(), event=requested(revision=revision), state=State.SENDING, revision=1)

    assert next_step(case, NOON) == Wait()


@pytest.mark.parametrize(("state", "kind"), [(State.RETRYING, "publish.retrying"), (State.UNKNOWN, "publish.failed")])
def test_a_newer_revision_is_answered_that_the_one_before_may_be_out(state: State, kind: str) -> None:
    """What was told of an unknown outcome is told again as it was."""
    case = theirs(LOST, event=requested(revision=2), revision=1, state=state, outcome=SAID)

    step = next_step(case, NOON)

    assert isinstance(step, Settle)
    assert step.outcome.publication is None
    (told,) = step.outcome.told
    assert told.type == kind
    assert not isinstance(told, PublishRetrying) or told.in_doubt


def test_that_our_attempt_never_left_is_still_known_when_the_post_is_claimed_again() -> None:
    """Else its row stays open, and becomes a doubt that nobody can settle once its lease is over."""
    opened = replace(a_case(an_attempt()), opened=an_attempt())
    again = a_case(an_attempt())

    known = [
        [attempt.evidence for attempt in again.knowing(before).changed_attempts]
        for before in (opened.not_started(), a_case())
    ]
    lost = replace(again, is_ours=False).knowing(opened.not_started())

    assert known == [[Evidence.NOT_SENT], [Evidence.NOT_SENT]]
    assert lost.changed_attempts == ()


def test_an_older_revision_is_superseded() -> None:
    step = next_step(theirs(event=requested(revision=1), revision=2), NOON)

    assert isinstance(step, Settle)
    assert step.outcome.publication is None
    assert [(fact.type, fact.reason, fact.revision) for fact in step.outcome.told] == [  # type: ignore[attr-defined]
        ("publish.skipped", "superseded", 1)
    ]


def test_a_retry_that_is_not_due_rests() -> None:
    later = NOON + 60 * SECOND

    assert next_step(theirs(state=State.RETRYING, not_before=later), NOON) == Rest(later)


@pytest.mark.parametrize(("swept", "told"), [(False, 0), (True, 1)])
def test_what_is_settled_is_told_again_only_to_the_schedulers_sweep(swept: bool, told: int) -> None:
    case = theirs(event=requested(swept=swept), state=State.PUBLISHED, outcome=SAID)

    step = next_step(case, NOON)

    assert isinstance(step, Settle)
    assert len(step.outcome.told) == told
    assert told or step.outcome == NOTHING


def test_a_failure_that_comes_again_is_parked_again() -> None:
    case = theirs(state=State.FAILED, outcome=SAID)
    redelivered = replace(case, delivered=delivered(redelivered=True))

    assert next_step(redelivered, NOON) == Settle(PARKED_LATE)


def test_a_post_that_was_withdrawn_before_it_came_is_told_of_when_it_comes() -> None:
    case = theirs(state=State.SKIPPED, withdrawn=1, withdrawn_because="cancelled", outcome=None)

    step = next_step(case, NOON)

    assert isinstance(step, Settle)
    assert [(fact.type, fact.reason) for fact in step.outcome.told] == [("publish.skipped", "cancelled")]  # type: ignore[attr-defined]


instants = st.sampled_from([NOON - SECOND, NOON, NOON + 31 * SECOND, NOON + timedelta(hours=2)])
errors = st.sampled_from([
    None, NotSent("x"), Unavailable("x"), RateLimited("x", retry_after=SECOND), Transient("x"), Rejected("x"),
    Unauthorized("x"), Unconfirmed("x"),
])  # fmt: skip
certainties = st.builds(
    Certainty, st.sampled_from([NEVER, 60 * SECOND, FOR_EVER]), st.booleans(), st.sampled_from([NEVER, 20 * SECOND])
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Case, datetime]:
    """Any post, as any delivery may find it; an attempt in doubt is always one at the present revision."""
    read_at, now = sorted([draw(instants), draw(instants)])
    kept = draw(st.integers(1, 3))
    lost, settled = [Evidence.OPEN, Evidence.UNKNOWN], [Evidence.NOT_SENT, Evidence.REFUSED, Evidence.DISPROVED]
    at_this = st.builds(an_attempt, st.sampled_from(lost + settled), revision=st.just(kept))
    before = st.builds(an_attempt, st.sampled_from(settled), revision=st.integers(1, kept))
    found = draw(st.lists(st.one_of(at_this, before), max_size=3))
    attempts = [replace(attempt, number=number) for number, attempt in enumerate(found, 1)]
    stands = standing(attempts, read_at)
    ended = [State.FAILED, State.HELD, State.SKIPPED] if stands is Standing.NOTHING_OUT else [State.UNKNOWN]
    publication = a_publication(
        revision=kept,
        state=draw(st.sampled_from([CLAIMED, State.SENDING, State.RETRYING, *ended])),
        tries=draw(st.integers(0, 4)),
        withdrawn=draw(st.sampled_from([0, kept])),
    )
    policy = LatePolicy(mode=draw(st.sampled_from(["publish", "skip", "hold"])), grace_seconds=60)
    event = requested(revision=draw(st.integers(1, 3)), late_policy=policy, swept=draw(st.booleans()))
    taken = take(delivered(event), publication, attempts, read_at)
    case = Case(
        delivered(event),
        taken.publication,
        taken.attempts,
        committed=taken.attempts,
        account=a_stored_account(closed_until=draw(st.sampled_from([None, NOON + 3600 * SECOND]))),
        certainty=draw(certainties),
        is_ours=taken.publication.claim_token == "mine",
        problem=draw(st.sampled_from([None, None, "not connected"])),
        can_renew=draw(st.booleans()),
        has_renewed=draw(st.booleans()),
        ready=draw(st.sampled_from([None, object()])),  # type: ignore[arg-type]
        error=draw(errors),
        blocked=draw(st.sampled_from([None, None, Blocked(NOON + 3600 * SECOND)])),
        is_looked_up=draw(st.booleans()),
    )
    return case, now


@given(cases())
def test_in_doubt_nothing_says_that_it_was_not_published_and_nothing_else_is_sent(found: tuple[Case, datetime]) -> None:
    case, now = found
    if case.standing(now) is not Standing.IN_DOUBT:
        return

    step = next_step(case, now)

    if isinstance(step, Prepare | Reserve):
        assert {attempt.revision for attempt in case.doubtful(now)} == {case.event.revision}
        assert now < case.doubtful(now)[0].start_at + case.certainty.deduplicates_for
    if isinstance(step, Settle):
        at_this = [fact for fact in step.outcome.told if getattr(fact, "revision", 0) >= case.publication.revision]
        assert not [fact for fact in at_this if isinstance(fact, NOT_PUBLISHED)]
        assert all(fact.in_doubt for fact in at_this if isinstance(fact, PublishRetrying))
        kept = step.outcome.publication
        assert kept is None or (kept.state in {State.RETRYING, State.UNKNOWN} and step.outcome.stands_when_withdrawn)


@given(cases())
def test_what_is_on_its_way_is_neither_sent_nor_told_of(found: tuple[Case, datetime]) -> None:
    case, now = found
    if case.standing(now) is Standing.ON_ITS_WAY:
        assert isinstance(next_step(case, now), Wait)


@given(cases())
def test_only_who_has_the_claim_goes_on(found: tuple[Case, datetime]) -> None:
    case, now = found
    step = next_step(case, now)

    if isinstance(step, Prepare | Reserve | LookUp | Renew):
        assert case.is_ours
    if isinstance(step, Settle) and step.outcome.publication is not None:
        assert case.is_ours


@given(cases())
def test_a_message_is_done_with_only_when_its_revision_is_settled(found: tuple[Case, datetime]) -> None:
    """However long after the post was read: a lease that ended meanwhile once left it to nobody."""
    case, now = found
    step = next_step(case, now)

    if isinstance(step, Settle) and step.outcome.rest is None and step.outcome.parked_because is None:
        kept = step.outcome.publication or case.publication
        assert kept.revision != case.event.revision or kept.state not in {CLAIMED, State.SENDING, State.RETRYING}


@given(cases())
def test_a_withdrawn_revision_of_which_nothing_is_out_is_never_sent(found: tuple[Case, datetime]) -> None:
    case, now = found
    if case.publication.is_withdrawn and case.standing(now) is Standing.NOTHING_OUT:
        assert isinstance(next_step(case, now), Settle | Rest)


@given(cases())
def test_whoever_settles_and_rests_is_called_again_later(found: tuple[Case, datetime]) -> None:
    """A wait into the past would come again without a pause, for ever."""
    case, now = found
    step = next_step(case, now)

    if isinstance(step, Settle) and step.outcome.rest is not None:
        assert step.outcome.rest >= timedelta(milliseconds=500)


ERRORS: list[PlatformError] = [
    NotSent("x"), Unavailable("x"), RateLimited("x", retry_after=SECOND), Transient("x"), Rejected("x"),
    AlreadyThere("x"), Unauthorized("x"), Unconfirmed("x"),
]  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.kind)
def test_what_an_error_proves_is_kept_with_the_attempt_and_tells_whether_it_is_out(error: PlatformError) -> None:
    case = a_case().with_opened(an_attempt(), turn=None)  # type: ignore[arg-type]

    after = case.lost(error)
    step = next_step(after, NOON)

    assert [attempt.evidence for attempt in after.attempts] == [error.evidence]
    assert isinstance(step, Settle)
    says_not_out = isinstance(step.outcome.told[0], NOT_PUBLISHED)
    may_be_out = error.evidence is Evidence.UNKNOWN
    assert not (may_be_out and says_not_out)
    assert step.outcome.attempts == after.attempts


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.kind)
def test_after_a_lost_reply_no_error_makes_it_fail(error: PlatformError) -> None:
    repeats = a_case(LOST, certainty=Certainty(deduplicates_for=FOR_EVER), publication={"tries": 1})
    case = repeats.with_opened(an_attempt(number=2), turn=None).lost(error)  # type: ignore[arg-type]

    step = next_step(case, NOON + SECOND)

    assert isinstance(step, Settle)
    assert step.outcome.publication is not None
    assert step.outcome.publication.state in {State.RETRYING, State.UNKNOWN}
