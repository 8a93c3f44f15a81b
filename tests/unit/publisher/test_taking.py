"""Whether a delivery takes its post over: the table of what it finds."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.domain import CLAIMED
from services.publisher.sending.evidence import Attempt, Evidence, Standing, standing
from services.publisher.sending.outcomes import INTERRUPTED
from services.publisher.sending.taking import RESTS_FROM, new_publication, take
from shared.events.progress import State
from tests.support.publications import NOON, SECOND, a_publication, an_attempt, delivered, requested

DIED = an_attempt().lease_until
LATER = DIED + SECOND
OPEN, UNKNOWN, REFUSED = (an_attempt(evidence) for evidence in (Evidence.OPEN, Evidence.UNKNOWN, Evidence.REFUSED))
LANDED = an_attempt(Evidence.LANDED)


def taken(*attempts: Attempt, revision: int = 1, now: datetime = NOON, **kept: Any) -> Any:
    return take(delivered(requested(revision=revision)), a_publication(**kept), attempts, now)


def test_a_post_that_is_seen_for_the_first_time_is_taken() -> None:
    new = new_publication(delivered(), NOON)

    assert (new.state, new.claim_token, new.tries, new.is_withdrawn) == (CLAIMED, "mine", 0, False)


@pytest.mark.parametrize("state", [CLAIMED, State.SENDING, State.RETRYING])
def test_the_same_revision_is_taken_over_while_nothing_is_on_its_way(state: str) -> None:
    found = taken(REFUSED, state=state, tries=1)

    assert found.changed
    assert (found.publication.claim_token, found.publication.tries) == ("mine", 1)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("revision", [1, 2])
def test_what_is_on_its_way_is_left_to_its_sender(state: State, revision: int) -> None:
    assert not taken(OPEN, state=state, revision=revision).changed


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("revision", [1, 2])
def test_what_has_landed_is_left_whatever_else_is_said_of_it(state: State, revision: int) -> None:
    assert not taken(LANDED, REFUSED, state=state, revision=revision).changed


@pytest.mark.parametrize("revision", [1, 2])
@pytest.mark.parametrize("state", [State.PUBLISHED, State.UNKNOWN])
def test_what_is_out_or_left_to_a_person_is_left(state: State, revision: int) -> None:
    """Rows of before attempts were kept have none: the state alone stands."""
    assert not taken(state=state, revision=revision).changed


@pytest.mark.parametrize(("revision", "changed"), [(1, False), (2, True)])
@pytest.mark.parametrize("state", [State.FAILED, State.HELD, State.SKIPPED])
def test_only_a_newer_revision_goes_past_an_end(state: State, revision: int, changed: bool) -> None:
    assert taken(REFUSED, state=state, revision=revision).changed is changed


def test_a_failed_post_whose_dead_letter_is_replayed_gets_new_tries() -> None:
    """Without that the replay would be reported as done, and nothing would come of it."""
    failed = a_publication(state=State.FAILED, tries=3, outcome="failed")

    found = take(delivered(is_replayed=True), failed, [REFUSED], NOON + SECOND)

    kept = found.publication
    assert (found.changed, kept.state, kept.claim_token) == (True, CLAIMED, "mine")
    assert (kept.tries_before, kept.retries, kept.outcome) == (3, failed.retries + 1, None)
    assert kept.due_at == kept.not_before == NOON + SECOND


@pytest.mark.parametrize("state", [State.PUBLISHED, State.UNKNOWN, State.HELD, State.SKIPPED])
def test_a_replay_goes_past_no_other_end(state: State) -> None:
    assert not take(delivered(is_replayed=True), a_publication(state=state), [], NOON).changed


def test_a_replay_that_comes_once_more_gives_no_more_tries() -> None:
    replayed = delivered(is_replayed=True, redelivered=True)

    assert not take(replayed, a_publication(state=State.FAILED), [REFUSED], NOON).changed


@pytest.mark.parametrize("state", [CLAIMED, State.SENDING, State.RETRYING])
def test_a_newer_revision_takes_over_where_nothing_is_out(state: str) -> None:
    found = taken(REFUSED, revision=2, state=state, tries=2, tries_before=1, waits=3)

    kept = found.publication
    assert found.changed
    assert (kept.revision, kept.tries, kept.tries_before, kept.waits) == (2, 2, 2, 0)
    assert found.attempts == (REFUSED,)


@pytest.mark.parametrize("attempt", [UNKNOWN, OPEN], ids=["unknown", "its sender died"])
def test_no_other_revision_goes_past_a_doubt(attempt: Attempt) -> None:
    assert not taken(attempt, revision=2, now=LATER, state=State.RETRYING).changed


def test_an_older_revision_is_left() -> None:
    assert not take(delivered(requested(revision=1)), a_publication(revision=2), (), NOON).changed


@pytest.mark.parametrize(("state", "changed"), [(State.SENDING, True), (State.RETRYING, True), (State.SKIPPED, False)])
def test_a_revision_that_was_withdrawn_is_taken_over_until_it_is_skipped(state: State, changed: bool) -> None:
    assert taken(state=state, withdrawn=1).changed is changed


def test_a_revision_after_the_withdrawn_one_is_taken_and_still_knows_of_the_withdrawal() -> None:
    found = taken(revision=2, state=State.SKIPPED, withdrawn=1, withdrawn_because="superseded")

    assert found.changed
    assert (found.publication.withdrawn, found.publication.withdrawn_because) == (1, "superseded")


@pytest.mark.parametrize(("early", "changed"), [(RESTS_FROM, True), (RESTS_FROM + SECOND, False)])
def test_a_retry_that_is_further_away_rests_on(early: timedelta, changed: bool) -> None:
    assert taken(state=State.RETRYING, not_before=NOON + early).changed is changed


def test_an_attempt_whose_sender_died_is_unknown_and_used_a_try() -> None:
    found = taken(REFUSED, an_attempt(number=2), now=LATER, state=State.SENDING, tries=1)

    assert [attempt.evidence for attempt in found.attempts] == [Evidence.REFUSED, Evidence.UNKNOWN]
    assert found.publication.tries == 2
    assert found.publication.error == INTERRUPTED.model_dump_json()


attempts = st.lists(
    st.builds(an_attempt, st.sampled_from(Evidence), revision=st.integers(1, 2), lease_until=st.just(NOON)), max_size=4
)
states = st.sampled_from([CLAIMED, *State])


@given(attempts, states, st.integers(1, 3), st.integers(1, 3), st.sampled_from([NOON - SECOND, NOON + SECOND]))
def test_taking_over_never_changes_what_may_be_out(
    known: list[Attempt], state: str, kept: int, asked: int, now: datetime
) -> None:
    found = take(delivered(requested(revision=asked)), a_publication(state=state, revision=kept), known, now)

    stands = standing(known, now)
    assert standing(found.attempts, now) is stands
    if found.changed:
        assert stands is Standing.NOTHING_OUT or (stands is Standing.IN_DOUBT and asked == kept)
