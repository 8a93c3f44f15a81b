"""When messages leave the wheel: a lead before they are due, and never all in one second."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.release import HORIZON, LEAD, MEDIA_LEAD, SPREAD, TOGETHER, ReleasePlan
from services.scheduler.store import CLAIM
from shared.messaging import delay

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

offsets = st.timedeltas(-timedelta(seconds=90), HORIZON)


def test_a_message_leaves_its_lead_before_it_is_due() -> None:
    assert ReleasePlan().release_at(NOON + 20 * SECOND, NOON) == NOON + 20 * SECOND - LEAD


def test_a_burst_is_spread_over_the_seconds_before() -> None:
    plan = ReleasePlan(per_second=10)
    due = NOON + HORIZON

    released = Counter(plan.release_at(due, NOON) for _ in range(35))

    assert released == {
        due - LEAD: 10,
        due - LEAD - SECOND: 10,
        due - LEAD - 2 * SECOND: 10,
        due - LEAD - 3 * SECOND: 5,
    }


def test_a_burst_due_within_one_second_counts_as_one() -> None:
    plan = ReleasePlan(per_second=2)
    due = NOON + HORIZON

    released = [int(plan.release_at(due + n * SECOND / 10, NOON).timestamp()) for n in range(6)]

    assert set(Counter(released).values()) == {2}


def test_what_is_full_up_to_the_longest_lead_overflows_there() -> None:
    plan = ReleasePlan(per_second=1)
    due = NOON + HORIZON

    released = [plan.release_at(due, NOON) for _ in range(100)]

    assert min(released) > due - LEAD - SPREAD
    assert len(set(released)) == SPREAD // SECOND


def test_what_is_due_sooner_than_the_lead_leaves_at_once() -> None:
    plan = ReleasePlan(per_second=1)

    assert all(plan.release_at(NOON + SECOND, NOON) <= NOON for _ in range(3))


@given(st.lists(st.tuples(offsets, st.sampled_from([LEAD, MEDIA_LEAD])), min_size=1, max_size=30), st.integers(1, 5))
def test_no_message_leaves_later_than_its_lead_or_much_earlier(
    due_in: list[tuple[timedelta, timedelta]], per_second: int
) -> None:
    plan = ReleasePlan(per_second=per_second)

    for offset, lead in due_in:
        release_at = plan.release_at(NOON + offset, NOON, lead=lead)

        wanted = NOON + offset - lead
        assert wanted - SPREAD - TOGETHER < release_at <= wanted
        assert release_at >= NOON or release_at > wanted - TOGETHER
        assert (release_at - NOON) % TOGETHER == timedelta(0)


def test_a_burst_of_media_is_spread_as_far_as_the_horizon_reaches() -> None:
    plan = ReleasePlan(per_second=10)
    due = NOON + HORIZON

    released = Counter(plan.release_at(due, NOON, lead=MEDIA_LEAD) for _ in range(100))

    assert (min(released), max(released)) == (NOON + SECOND, due - MEDIA_LEAD)
    assert set(released.values()) == {10}


@given(st.lists(st.integers(22, 30), min_size=1, max_size=2 * (SPREAD // SECOND)))
def test_no_second_is_overfull_while_the_seconds_before_have_room(due_in: list[int]) -> None:
    plan = ReleasePlan(per_second=2)

    released = Counter(plan.release_at(NOON + seconds * SECOND, NOON) for seconds in due_in)

    assert max(released.values()) <= 2


def test_seconds_that_have_passed_are_forgotten() -> None:
    plan = ReleasePlan(per_second=1)
    due = NOON + 10 * SECOND
    plan.release_at(due, NOON)

    plan.forget_before(due - LEAD + SECOND)

    assert plan.release_at(due, NOON) == due - LEAD


def test_the_present_second_is_not_forgotten() -> None:
    plan = ReleasePlan(per_second=1)
    due = NOON + 10 * SECOND
    plan.release_at(due, NOON)

    plan.forget_before(due - LEAD + SECOND / 2)

    assert plan.release_at(due, NOON) < due - LEAD


@pytest.mark.parametrize("longest", [HORIZON - LEAD, HORIZON])
def test_what_is_dispatched_fits_the_wheel(longest: timedelta) -> None:
    assert longest < delay.HORIZON


def test_a_dead_dispatchers_claims_run_out_before_its_posts_are_due() -> None:
    assert CLAIM + LEAD < HORIZON
    assert CLAIM + MEDIA_LEAD <= HORIZON
