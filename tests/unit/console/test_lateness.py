"""Lateness in steps says at most a tenth more than it was."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.read_model.lateness import FIRST_MS, GROWTH, length_of, step_of, summary

LATE = st.floats(min_value=-1000, max_value=86_400_000)


@given(LATE)
def test_a_step_holds_what_is_on_it(lateness_ms: float) -> None:
    step = step_of(lateness_ms)

    assert lateness_ms <= length_of(step) * 1.005
    assert step == 0 or length_of(step) <= lateness_ms * GROWTH * 1.005


@pytest.mark.parametrize("step", range(0, 250, 7))
def test_the_end_of_a_step_is_on_it(step: int) -> None:
    assert step_of(FIRST_MS * GROWTH**step) == step


@given(st.lists(LATE, min_size=1))
def test_a_summary_is_no_more_than_a_tenth_off(lateness: list[float]) -> None:
    said = summary(Counter(map(step_of, lateness)))
    in_order = sorted(lateness)

    assert said.count == len(lateness)
    for share, ms in ((0.5, said.p50), (0.99, said.p99), (1.0, said.worst)):
        exact = in_order[-int(-len(in_order) * share // 1) - 1]
        assert ms is not None and exact * 0.995 <= ms <= max(FIRST_MS, exact * GROWTH * 1.005)


def test_nothing_sent_has_no_lateness() -> None:
    said = summary({3: 0})

    assert (said.count, said.p50, said.worst) == (0, None, None)
