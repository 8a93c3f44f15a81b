"""A start that is given can be reached: its lead follows the time that commits take, its slack how late sends begin."""

from datetime import timedelta

import pytest

from services.publisher.limits.pace import COMMITS, LEAST_LEAD, LEAST_SLACK, MOST_LEAD, MOST_SLACK, SENDS, Pace
from tests.support.publications import SECOND

INSTANTLY = timedelta(0)
HOUR = 3600 * SECOND


def a_fast_pace() -> Pace:
    """That of a process whose commits and sends take no time."""
    pace = Pace()
    for _ in range(COMMITS):
        pace.committed_in(INSTANTLY)
    for _ in range(SENDS):
        pace.began_late(INSTANTLY)
    return pace


def test_a_fast_process_plans_a_moment_ahead() -> None:
    pace = a_fast_pace()

    assert (pace.lead, pace.slack) == (LEAST_LEAD, LEAST_SLACK)


@pytest.mark.parametrize("seconds", [0.1, 1, 5, 9])
def test_the_lead_outlasts_a_commit(seconds: float) -> None:
    pace, took = Pace(), timedelta(seconds=seconds)

    pace.committed_in(took)

    assert pace.lead > took


@pytest.mark.parametrize("seconds", [0.1, 1, 2])
def test_a_send_may_begin_as_late_as_one_before(seconds: float) -> None:
    pace = Pace()

    pace.began_late(timedelta(seconds=seconds))

    assert pace.slack > timedelta(seconds=seconds)


def test_no_pause_however_long_makes_it_plan_for_hours() -> None:
    pace = Pace()

    pace.committed_in(HOUR)
    pace.began_late(HOUR)

    assert (pace.lead, pace.slack) == (MOST_LEAD, MOST_SLACK)


def test_many_starts_that_are_missed_together_teach_no_more_than_one() -> None:
    one, many = Pace(), Pace()
    one.began_late(SECOND)

    for _ in range(25):
        many.began_late(SECOND)

    assert (many.lead, many.slack) == (one.lead, one.slack)


def test_a_process_that_is_fast_again_forgets() -> None:
    pace = Pace()
    pace.committed_in(5 * SECOND)
    pace.began_late(SECOND)

    for _ in range(COMMITS):
        pace.committed_in(INSTANTLY)
    for _ in range(SENDS):
        pace.began_late(INSTANTLY)

    assert (pace.lead, pace.slack) == (LEAST_LEAD, LEAST_SLACK)
