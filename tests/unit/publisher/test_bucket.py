"""However starts are asked for, no stretch of time ever holds more sends than the limits allow."""

import json
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.publisher.limits.bucket import IN_LINE, MILLISECOND, Bucket, earliest
from services.publisher.limits.windows import MOST_REMEMBERED, SHORTEST_PART, limits_of, windows_of
from shared.events.requests import AccountLimits
from tests.support.publications import NOON, SECOND

LENGTHS = {"per_second": 1, "per_minute": 60, "per_day": 86_400}
NO_SLACK = timedelta(0)

small_limits = st.dictionaries(st.sampled_from(sorted(LENGTHS)), st.integers(1, 12), min_size=1)
instants = st.timedeltas(timedelta(0), timedelta(seconds=5)).map(lambda after: NOON + after)
wanted_instants = st.lists(instants, min_size=1, max_size=60)
slacks = st.timedeltas(timedelta(0), timedelta(seconds=3))


def take(bucket: Bucket, wanted_at: datetime, slack: timedelta = NO_SLACK) -> datetime:
    start_at = bucket.earliest(wanted_at)
    bucket.take(start_at, start_at + slack)
    return start_at


def starts_of(limits: dict[str, int], wanted: list[datetime], slack: timedelta = NO_SLACK) -> list[datetime]:
    """The starts for these instants, in the order in which they are asked for."""
    bucket = Bucket(windows_of(limits), waiting=len(wanted))
    return [take(bucket, instant, slack) for instant in wanted]


def most_within(sends: list[datetime], length: timedelta) -> int:
    """The largest number of sends in any stretch of this length, both ends of the stretch counted."""
    ordered = sorted(sends)
    most, first = 0, 0
    for last, send in enumerate(ordered):
        while send - ordered[first] > length:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(small_limits, wanted_instants, slacks, st.data())
def test_no_window_is_exceeded_however_late_within_its_slack_each_send_begins(
    limits: dict[str, int], wanted: list[datetime], slack: timedelta, data: st.DataObject
) -> None:
    starts = starts_of(limits, wanted, slack)

    sends = [start_at + data.draw(st.timedeltas(timedelta(0), slack)) for start_at in starts]

    for name, most in limits.items():
        assert most_within(sends, timedelta(seconds=LENGTHS[name])) <= most, (name, most)


@given(small_limits, wanted_instants, slacks)
def test_starts_rise_and_none_is_before_the_instant_that_was_wanted(
    limits: dict[str, int], wanted: list[datetime], slack: timedelta
) -> None:
    starts = starts_of(limits, wanted, slack)

    assert starts == sorted(starts)
    assert all(start_at >= instant for start_at, instant in zip(starts, wanted, strict=True))


@given(small_limits, wanted_instants)
def test_the_posts_of_an_account_leave_a_little_apart(limits: dict[str, int], wanted: list[datetime]) -> None:
    least = min(timedelta(seconds=LENGTHS[name]) / most for name, most in limits.items())
    apart = min(IN_LINE, max(least, SECOND / len(wanted))) - MILLISECOND

    assert all(later - earlier >= apart for earlier, later in pairwise(starts_of(limits, wanted)))


@given(st.integers(1, 12), st.lists(instants, min_size=1, max_size=12))
def test_a_burst_that_fits_goes_in_line_at_once(most: int, wanted: list[datetime]) -> None:
    burst = sorted(wanted)[:most]

    starts = starts_of({"per_minute": most}, burst)

    assert starts[-1] - burst[-1] <= IN_LINE * len(burst)
    assert starts[0] - burst[0] < MILLISECOND


def test_an_account_without_limits_only_stands_in_line() -> None:
    assert windows_of({}) == ()
    assert starts_of({}, [NOON] * 3) == [NOON, NOON + IN_LINE, NOON + 2 * IN_LINE]


@pytest.mark.parametrize("most", [100, 301, 600, 900, 1000])
def test_a_large_limit_is_kept_and_reached(most: int) -> None:
    starts = starts_of({"per_second": most}, [NOON] * (4 * most))

    assert most_within(starts, SECOND) <= most
    assert starts[-1] - starts[0] <= 4.5 * SECOND


@given(small_limits, wanted_instants, slacks, st.integers(0, 60))
def test_what_is_kept_in_the_database_is_all_that_is_needed(
    limits: dict[str, int], wanted: list[datetime], slack: timedelta, split: int
) -> None:
    first = Bucket(windows_of(limits), waiting=len(wanted))
    before = [take(first, instant, slack) for instant in wanted[:split]]

    kept, now = json.loads(json.dumps(first.kept())), max(before, default=NOON)
    second = Bucket.of(windows_of(limits), kept, now, waiting=len(wanted))
    after = [take(second, instant, slack) for instant in wanted[split:]]

    assert before + after == starts_of(limits, wanted, slack)


@pytest.mark.parametrize(("limits", "wait"), [({"per_second": 2}, 2 * SECOND), ({"per_minute": 3}, 62 * SECOND)])
def test_a_clock_that_was_an_hour_ahead_costs_a_window_and_no_hour(limits: dict[str, int], wait: timedelta) -> None:
    ahead = Bucket(windows_of(limits))
    starts = [take(ahead, NOON + 3600 * SECOND) for _ in range(limits.get("per_second", 3))]

    put_right = Bucket.of(windows_of(limits), ahead.kept(), NOON, waiting=1)

    assert starts[0] > NOON
    assert NOON + min(LENGTHS[name] for name in limits) * SECOND <= take(put_right, NOON) <= NOON + wait


def test_what_no_window_looks_back_on_is_forgotten() -> None:
    bucket = Bucket(windows_of({"per_second": 3, "per_minute": 20}))
    for second in range(600):
        take(bucket, NOON + second * SECOND)

    assert len(bucket.kept()["latest"]) == 20
    take(bucket, NOON + 3600 * SECOND)
    assert len(bucket.kept()["latest"]) == 1
    assert Bucket(()).kept()["latest"] == []


def test_a_limit_that_nobody_reaches_keeps_no_more_than_what_was_sent_within_its_window() -> None:
    bucket = Bucket(windows_of({"per_second": 1_000_000}), waiting=5000)
    for _ in range(5000):
        take(bucket, NOON)

    assert len(bucket.kept()["latest"]) <= 1200


@given(small_limits, small_limits, st.lists(st.tuples(st.booleans(), instants), min_size=1, max_size=40), slacks)
def test_a_start_keeps_both_the_accounts_and_the_apps_limits(
    own: dict[str, int], shared: dict[str, int], wanted: list[tuple[bool, datetime]], slack: timedelta
) -> None:
    accounts, app = [Bucket(windows_of(own)) for _ in range(2)], Bucket(windows_of(shared))
    starts: list[tuple[bool, datetime]] = []
    for which, instant in wanted:
        start_at = earliest([accounts[which], app], instant)
        for bucket in (accounts[which], app):
            bucket.take(start_at, start_at + slack)
        starts.append((which, start_at))

    for name, most in shared.items():
        assert most_within([start_at for _, start_at in starts], timedelta(seconds=LENGTHS[name])) <= most
    for which in (True, False):
        for name, most in own.items():
            mine = [start_at for account, start_at in starts if account == which]
            assert most_within(mine, timedelta(seconds=LENGTHS[name])) <= most


def test_a_copy_is_tried_out_without_taking_anything() -> None:
    bucket = Bucket(windows_of({"per_second": 1}))
    take(bucket.copy(), NOON)

    assert bucket.earliest(NOON) == NOON


@given(st.sampled_from(sorted(LENGTHS)), st.integers(1, 10_000_000))
@example("per_second", 301)
@example("per_second", 200_000)
@example("per_second", 1_000_000)
def test_a_large_limit_is_split_into_windows_that_are_at_least_as_strict(name: str, most: int) -> None:
    (window,) = windows_of({name: most})

    sends_per_length = -(-timedelta(seconds=LENGTHS[name]) // window.apart) * window.most
    assert window.most <= MOST_REMEMBERED or window.length < 2 * SHORTEST_PART
    assert sends_per_length <= most


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (None, {}),
        (AccountLimits(), {}),
        (AccountLimits(per_second=10, per_day=500), {"per_second": 10, "per_day": 500}),
    ],
)
def test_only_limits_that_are_set_are_kept(limits: AccountLimits | None, expected: dict[str, int]) -> None:
    assert limits_of(limits) == expected


def test_a_bucket_for_which_nobody_waited_when_it_was_read_gives_a_start() -> None:
    """Those who come to the line while the database answers are estimated with it."""
    bucket = Bucket.of((), {}, NOON, waiting=0)

    bucket.take(NOON, NOON)

    assert NOON < bucket.earliest(NOON) <= NOON + SECOND


def test_the_more_wait_the_closer_they_start() -> None:
    gaps = []
    for waiting in (1, 10, 1000):
        bucket = Bucket.of((), {}, NOON, waiting=waiting)
        bucket.take(NOON, NOON)
        gaps.append(bucket.earliest(NOON) - NOON)

    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] <= timedelta(milliseconds=1)
