"""What becomes of a `publish.requested`, in whatever state it finds its post."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.domain import (
    CLAIMED,
    LONGEST_HOLD,
    Ambiguous,
    Claimed,
    Decision,
    Hold,
    Publication,
    Settled,
    Skip,
    Tombstone,
    Wait,
    decide,
)
from shared.events.progress import State
from shared.events.requests import LatePolicy
from tests.support.publications import NOON, SECOND, a_publication, delivered, requested

LEASE = timedelta(seconds=30)
MILLISECOND = timedelta(milliseconds=1)
SENDING = {"state": State.SENDING, "attempts": 1, "lease_until": NOON}
LATER = NOON + LONGEST_HOLD + MILLISECOND


def decided(
    revision: int,
    current: Publication | None,
    *,
    tombstone: Tombstone | None = None,
    now: datetime = NOON,
    **event: Any,
) -> Decision:
    """The decision on a delivery of this revision, a lease being 30 s."""
    arrived = delivered(requested(revision=revision, **event))
    return decide(arrived, current, tombstone, lease=LEASE, now=now)


# the post's present state, the revision that arrives, and the decision
TABLE: list[tuple[dict[str, Any] | None, int, type[Decision]]] = [
    (None, 1, Claimed),
    (None, 7, Claimed),
    ({"state": CLAIMED}, 1, Claimed),
    ({"state": CLAIMED}, 2, Claimed),
    ({"state": CLAIMED, "revision": 2}, 1, Skip),
    ({"state": State.RETRYING}, 1, Claimed),
    ({"state": State.RETRYING, "not_before": LATER}, 1, Wait),
    ({"state": State.RETRYING, "not_before": LATER}, 2, Claimed),
    ({"state": State.RETRYING, "revision": 2}, 1, Skip),
    (SENDING | {"lease_until": NOON + MILLISECOND}, 1, Wait),
    (SENDING | {"lease_until": NOON + MILLISECOND}, 2, Wait),
    (SENDING, 1, Ambiguous),
    (SENDING, 2, Ambiguous),
    (SENDING | {"revision": 2}, 1, Ambiguous),
    ({"state": State.PUBLISHED}, 1, Settled),
    ({"state": State.PUBLISHED}, 2, Settled),
    ({"state": State.PUBLISHED, "revision": 2}, 1, Settled),
    ({"state": State.UNKNOWN}, 1, Settled),
    ({"state": State.UNKNOWN}, 2, Settled),
    ({"state": State.FAILED}, 1, Settled),
    ({"state": State.FAILED}, 2, Claimed),
    ({"state": State.FAILED, "revision": 2}, 1, Skip),
    ({"state": State.HELD}, 1, Settled),
    ({"state": State.HELD}, 2, Claimed),
    ({"state": State.HELD, "revision": 2}, 1, Skip),
    ({"state": State.SKIPPED}, 1, Settled),
    ({"state": State.SKIPPED}, 2, Claimed),
    ({"state": State.SKIPPED, "revision": 2}, 1, Skip),
]


@pytest.mark.parametrize(("state", "revision", "expected"), TABLE)
@pytest.mark.parametrize("swept", [False, True], ids=["first", "swept"])
def test_each_state_and_revision_has_one_answer(
    state: dict[str, Any] | None, revision: int, expected: type[Decision], swept: bool
) -> None:
    current = a_publication(**state) if state else None

    decision = decided(revision, current, swept=swept)

    assert type(decision) is expected


@pytest.mark.parametrize(
    ("state", "tombstone", "expected"),
    [
        (None, 1, Skip),
        (None, 2, Skip),
        ({"state": CLAIMED}, 1, Skip),
        ({"state": State.RETRYING}, 1, Skip),
        ({"state": State.RETRYING, "not_before": LATER}, 1, Skip),
        ({"state": State.SENDING, "lease_until": NOON + SECOND}, 1, Wait),
        ({"state": State.SENDING, "lease_until": NOON}, 1, Ambiguous),
        ({"state": State.PUBLISHED}, 1, Settled),
        ({"state": State.UNKNOWN}, 1, Settled),
        ({"state": State.HELD}, 1, Settled),
    ],
)
def test_a_cancelled_revision_is_skipped_unless_it_may_have_landed(
    state: dict[str, Any] | None, tombstone: int, expected: type[Decision]
) -> None:
    current = a_publication(**state) if state else None

    decision = decided(1, current, tombstone=Tombstone(tombstone, "cancelled"))

    assert type(decision) is expected


def test_a_revision_after_the_cancelled_one_is_sent() -> None:
    decision = decided(2, a_publication(state=State.SKIPPED), tombstone=Tombstone(1, "superseded"))

    assert isinstance(decision, Claimed)
    assert decision.publication.revision == 2


@pytest.mark.parametrize("reason", ["cancelled", "superseded"])
def test_a_skip_tells_the_reason_of_its_tombstone(reason: str) -> None:
    decision = decided(1, None, tombstone=Tombstone(1, reason))

    assert isinstance(decision, Skip)
    assert decision.reason == reason
    assert decision.publication is not None


def test_an_older_revision_leaves_the_newer_one_as_it_is() -> None:
    assert decided(1, a_publication(revision=2)) == Skip(None, "superseded")


def test_a_new_post_is_claimed_under_the_token_of_its_delivery() -> None:
    decision = decided(3, None)

    assert isinstance(decision, Claimed)
    claimed = decision.publication
    assert (claimed.state, claimed.claim_token, claimed.revision, claimed.attempts) == (CLAIMED, "mine", 3, 0)
    assert claimed.not_before == claimed.publish_at == NOON


def test_another_delivery_takes_a_claim_over_and_keeps_its_attempts_and_slot() -> None:
    slot_at = NOON + 3 * SECOND

    decision = decided(1, a_publication(attempts=2, slot_at=slot_at))

    assert isinstance(decision, Claimed)
    claimed = decision.publication
    assert (claimed.claim_token, claimed.attempts, claimed.slot_at) == ("mine", 2, slot_at)


def test_a_new_revision_starts_with_all_its_attempts() -> None:
    decision = decided(2, a_publication(state=State.FAILED, attempts=3))

    assert isinstance(decision, Claimed)
    assert decision.publication.attempts == 0


def test_a_live_sender_is_left_alone_until_its_lease_is_over() -> None:
    until = NOON + 12 * SECOND

    assert decided(1, a_publication(**SENDING | {"lease_until": until})) == Wait(until)


def test_what_a_dead_sender_left_is_taken_over_under_a_lease_of_its_own() -> None:
    decision = decided(1, a_publication(**SENDING, claim_token="dead"))

    assert isinstance(decision, Ambiguous)
    found = decision.publication
    assert (found.state, found.claim_token, found.lease_until) == (State.SENDING, "mine", NOON + LEASE)
    assert found.attempts == 1


@pytest.mark.parametrize(
    ("wait", "expected"), [(timedelta(0), Claimed), (LONGEST_HOLD, Claimed), (LONGEST_HOLD + MILLISECOND, Wait)]
)
def test_a_retry_that_comes_early_is_held_when_the_wait_is_short(wait: timedelta, expected: type[Decision]) -> None:
    decision = decided(1, a_publication(state=State.RETRYING, not_before=NOON + wait))

    assert type(decision) is expected


LATE = [
    ("publish", 60, 59, Claimed),
    ("publish", 60, 60, Claimed),
    ("publish", 60, 61, Hold),
    ("skip", 60, 60, Claimed),
    ("skip", 60, 61, Skip),
    ("hold", 60, 60, Claimed),
    ("hold", 60, 61, Hold),
    ("skip", 0, 2, Claimed),
    ("skip", 0, 3, Skip),
    ("hold", 0, 2, Claimed),
    ("hold", 0, 3, Hold),
]


@pytest.mark.parametrize(("mode", "grace", "late", "expected"), LATE)
def test_a_post_found_late_follows_its_policy(mode: Any, grace: float, late: int, expected: type[Decision]) -> None:
    policy = LatePolicy(mode=mode, grace_seconds=grace)

    decision = decided(1, None, now=NOON + late * SECOND, late_policy=policy)

    assert type(decision) is expected
    assert not isinstance(decision, Skip) or decision.reason == "too_late"
    assert not isinstance(decision, Hold) or "0:0" in decision.reason


@pytest.mark.parametrize(("mode", "grace", "late", "expected"), LATE)
def test_a_claim_left_behind_by_a_dead_publisher_follows_the_policy_too(
    mode: Any, grace: float, late: int, expected: type[Decision]
) -> None:
    policy = LatePolicy(mode=mode, grace_seconds=grace)

    decision = decided(1, a_publication(), now=NOON + late * SECOND, late_policy=policy)

    assert type(decision) is expected


@pytest.mark.parametrize(("late", "expected"), [(9, Claimed), (10, Claimed), (11, Skip)])
def test_a_retry_is_late_when_its_queue_no_longer_explains_it(late: int, expected: type[Decision]) -> None:
    retrying = a_publication(state=State.RETRYING, attempts=1, not_before=NOON + 40 * SECOND)
    policy = LatePolicy(mode="skip", grace_seconds=5)

    decision = decided(1, retrying, now=NOON + (40 + late) * SECOND, late_policy=policy)

    assert type(decision) is expected


def test_lateness_counts_from_the_slot_that_a_post_had_to_wait_for() -> None:
    claimed = a_publication(slot_at=NOON + 30 * SECOND)
    policy = LatePolicy(mode="skip", grace_seconds=5)

    decision = decided(1, claimed, now=NOON + 31 * SECOND, late_policy=policy)

    assert isinstance(decision, Claimed)


@given(
    state=st.sampled_from([CLAIMED, *(state for state in State if state not in (State.SCHEDULED, State.DISPATCHED))]),
    known=st.integers(1, 3),
    arriving=st.integers(1, 3),
    cancelled=st.none() | st.integers(1, 3),
    lease=st.none() | st.integers(-5, 5),
)
def test_what_may_be_on_the_platform_is_never_claimed_again(
    state: str, known: int, arriving: int, cancelled: int | None, lease: int | None
) -> None:
    lease_until = None if lease is None else NOON + lease * SECOND
    current = a_publication(state=state, revision=known, lease_until=lease_until)
    tombstone = None if cancelled is None else Tombstone(cancelled, "cancelled")

    decision = decided(arriving, current, tombstone=tombstone)

    if isinstance(decision, Claimed):
        assert state not in (State.SENDING, State.PUBLISHED, State.UNKNOWN)
        assert arriving >= known
        assert cancelled is None or arriving > cancelled
