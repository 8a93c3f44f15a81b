"""What attempts prove, one by one and together."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.sending.evidence import Attempt, Evidence, Standing, is_doubtful, standing
from tests.support.publications import NOON, SECOND, an_attempt

LEASE = an_attempt().lease_until - NOON
AFTER = NOON + LEASE

attempts = st.lists(
    st.builds(
        an_attempt,
        st.sampled_from(Evidence),
        number=st.integers(1, 9),
        revision=st.integers(1, 3),
        lease_until=st.sampled_from([NOON - SECOND, NOON, NOON + SECOND]),
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("evidence", "now", "stands"),
    [
        (Evidence.OPEN, NOON, Standing.ON_ITS_WAY),
        (Evidence.OPEN, AFTER - timedelta(microseconds=1), Standing.ON_ITS_WAY),
        (Evidence.OPEN, AFTER, Standing.IN_DOUBT),
        (Evidence.UNKNOWN, NOON, Standing.IN_DOUBT),
        (Evidence.UNKNOWN, AFTER, Standing.IN_DOUBT),
        (Evidence.NOT_SENT, AFTER, Standing.NOTHING_OUT),
        (Evidence.REFUSED, AFTER, Standing.NOTHING_OUT),
        (Evidence.DISPROVED, AFTER, Standing.NOTHING_OUT),
        (Evidence.LANDED, NOON, Standing.LANDED),
    ],
)
def test_what_one_attempt_proves(evidence: Evidence, now: datetime, stands: Standing) -> None:
    attempt = an_attempt(evidence)

    assert standing([attempt], now) is stands
    assert is_doubtful(attempt, now) == (stands is Standing.IN_DOUBT)


def test_without_an_attempt_nothing_is_out() -> None:
    assert standing([], NOON) is Standing.NOTHING_OUT


@given(attempts, st.randoms())
def test_the_order_of_evidence_does_not_matter(known: list[Attempt], chance: Random) -> None:
    mixed = list(known)
    chance.shuffle(mixed)

    assert standing(mixed, NOON) is standing(known, NOON)


@given(attempts, attempts)
def test_no_later_evidence_makes_less_of_what_may_be_out(known: list[Attempt], more: list[Attempt]) -> None:
    """One attempt that has landed stands for good, and one in doubt is not forgotten over others."""
    allowed = {
        Standing.LANDED: {Standing.LANDED},
        Standing.ON_ITS_WAY: {Standing.LANDED, Standing.ON_ITS_WAY},
        Standing.IN_DOUBT: {Standing.LANDED, Standing.ON_ITS_WAY, Standing.IN_DOUBT},
        Standing.NOTHING_OUT: set(Standing),
    }

    assert standing([*known, *more], NOON) in allowed[standing(known, NOON)]


@given(attempts)
def test_nothing_is_out_only_where_every_attempt_proves_it(known: list[Attempt]) -> None:
    proven = {Evidence.NOT_SENT, Evidence.REFUSED, Evidence.DISPROVED}

    nothing_out = standing(known, NOON) is Standing.NOTHING_OUT

    assert nothing_out == all(attempt.evidence in proven for attempt in known)
