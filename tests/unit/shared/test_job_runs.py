"""What a tick finds: nothing in its way, itself dealt with or at work, another run, or one that looks dead."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.jobs.runs import Done, Overlap, Run, Running, Start, State, Suspect, find

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
EARLIER = Run("monitor.check", NOON - 5 * MINUTE, "r-1", "running", NOON - 5 * MINUTE, NOON + LEASE / 2)
OWN = replace(EARLIER, tick_at=NOON, run_id="r-2")
LATE = NOON - timedelta(seconds=1)


def test_where_nothing_is_in_the_way_it_starts() -> None:
    assert find(NOON, [], suspect=None, now=NOON, lease=LEASE) == Start()


@pytest.mark.parametrize("state", ["succeeded", "failed", "skipped"])
@pytest.mark.parametrize("others", [[], [EARLIER]])
def test_a_tick_that_was_dealt_with_is_done(state: State, others: list[Run]) -> None:
    known = [*others, replace(OWN, state=state)]

    assert find(NOON, known, suspect=None, now=NOON, lease=LEASE) == Done()


def test_a_tick_that_is_at_work_is_left_to_itself() -> None:
    assert find(NOON, [OWN], suspect=None, now=NOON, lease=LEASE) == Running()


def test_another_tick_at_work_is_an_overlap() -> None:
    assert find(NOON, [EARLIER], suspect=None, now=NOON, lease=LEASE) == Overlap(EARLIER)


@pytest.mark.parametrize("run", [EARLIER, OWN], ids=["another tick", "the tick itself"])
@pytest.mark.parametrize("until", [LATE, NOON, NOON + LEASE + timedelta(seconds=1), NOON + timedelta(hours=1)])
def test_a_lease_that_is_over_or_ends_too_late_is_watched(run: Run, until: datetime) -> None:
    """Too late, because it was taken before the clock was set back."""
    run = replace(run, lease_until=until)

    assert find(NOON, [run], suspect=None, now=NOON, lease=LEASE) == Suspect(run)


@pytest.mark.parametrize("run", [EARLIER, OWN], ids=["another tick", "the tick itself"])
def test_a_run_that_was_not_renewed_while_it_was_watched_is_dead(run: Run) -> None:
    run = replace(run, lease_until=LATE)

    assert find(NOON, [run], suspect=run, now=NOON, lease=LEASE) == Start(instead_of=run)


@pytest.mark.parametrize("renewed_until", [LATE + LEASE, LATE - timedelta(hours=1)])
def test_a_run_that_was_renewed_lives_whatever_the_clock_says(renewed_until: datetime) -> None:
    suspect = replace(EARLIER, lease_until=LATE)
    renewed = replace(suspect, lease_until=renewed_until)

    assert find(NOON, [renewed], suspect=suspect, now=NOON, lease=LEASE) == Overlap(renewed)


def test_another_run_than_the_suspect_is_watched_by_itself() -> None:
    suspect = replace(EARLIER, lease_until=LATE)
    newer = replace(suspect, run_id="r-3", tick_at=NOON - MINUTE)

    assert find(NOON, [newer], suspect=suspect, now=NOON, lease=LEASE) == Suspect(newer)
