"""However sends are asked for, no stretch of time ever holds more of them than the account's limits allow."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.publisher.limits import IN_LINE, MOST_REMEMBERED, Bucket, in_line, limits_of, windows_of
from services.publisher.limits import reserve as reserve_all
from shared.events.requests import AccountLimits
from tests.support.publications import NOON

LENGTHS = {"per_second": 1, "per_minute": 60, "per_day": 86_400}
MILLISECOND = timedelta(milliseconds=1)

small_limits = st.dictionaries(st.sampled_from(sorted(LENGTHS)), st.integers(1, 12), min_size=1)
instants = st.timedeltas(timedelta(0), timedelta(seconds=5)).map(lambda after: NOON + after)


def reserve(limits: dict[str, int], wanted: list[datetime]) -> list[datetime]:
    """The slots for these instants, in the order in which they are asked for."""
    bucket = Bucket(windows_of(limits), [])
    return [bucket.reserve(instant) for instant in wanted]


def most_within(slots: list[datetime], length: timedelta) -> int:
    """The largest number of slots in any stretch of this length, both ends of the stretch counted."""
    ordered = sorted(slots)
    return max(sum(start <= slot <= start + length for slot in ordered) for start in ordered)


@given(small_limits, st.lists(instants, min_size=1, max_size=60))
def test_no_window_ever_exceeds_its_limit(limits: dict[str, int], wanted: list[datetime]) -> None:
    slots = reserve(limits, wanted)

    for name, most in limits.items():
        assert most_within(slots, timedelta(seconds=LENGTHS[name])) <= most, (name, most)


@given(small_limits, st.lists(instants, min_size=1, max_size=60))
def test_a_slot_is_never_before_the_instant_that_was_wanted(limits: dict[str, int], wanted: list[datetime]) -> None:
    assert all(slot >= instant for slot, instant in zip(reserve(limits, wanted), wanted, strict=True))


@given(small_limits, st.lists(instants, min_size=1, max_size=60))
def test_whoever_is_due_first_goes_first(limits: dict[str, int], wanted: list[datetime]) -> None:
    slots = reserve(limits, sorted(wanted))

    assert slots == sorted(slots)


@given(st.integers(1, 12), st.lists(instants, min_size=1, max_size=12))
def test_a_burst_that_fits_goes_at_once(most: int, wanted: list[datetime]) -> None:
    burst = sorted(wanted)[:most]

    slots = reserve({"per_minute": most}, burst)

    assert all(slot - instant < MILLISECOND for slot, instant in zip(slots, burst, strict=True))


@given(small_limits, st.lists(instants, min_size=2, max_size=40))
def test_the_posts_of_an_account_leave_a_little_apart(limits: dict[str, int], wanted: list[datetime]) -> None:
    windows = in_line(windows_of(limits))
    bucket = Bucket(windows, [])

    slots = sorted(bucket.reserve(instant) for instant in wanted)

    assert all(later - earlier >= windows[-1].apart for earlier, later in pairwise(slots))


def test_standing_in_line_leaves_the_windows_full() -> None:
    bucket = Bucket(in_line(windows_of({"per_second": 10})), [])

    slots = [bucket.reserve(NOON) for _ in range(20)]

    assert slots[:10] == [NOON + number * IN_LINE for number in range(10)]
    assert slots[10:] == [slot + timedelta(seconds=1.1) for slot in slots[:10]]


@pytest.mark.parametrize("most", [100, 1000, 100_000])
def test_a_large_limit_is_reached_in_line(most: int) -> None:
    windows = windows_of({"per_second": most})

    in_order, at_once = Bucket(in_line(windows), []), Bucket(windows, [])

    last_in_order, last_at_once = ([one.reserve(NOON) for _ in range(2 * most)][-1] for one in (in_order, at_once))
    assert last_in_order - last_at_once < windows[0].apart


@given(small_limits, st.lists(instants, min_size=1, max_size=40), st.integers(0, 40))
def test_what_is_kept_in_the_database_is_all_that_is_needed(
    limits: dict[str, int], wanted: list[datetime], split: int
) -> None:
    first = Bucket(windows_of(limits), [])
    earlier = [first.reserve(instant) for instant in wanted[:split]]

    second = Bucket(windows_of(limits), list(first.reserved))
    later = [second.reserve(instant) for instant in wanted[split:]]

    assert earlier + later == reserve(limits, wanted)


def test_an_account_without_limits_waits_for_nothing() -> None:
    assert windows_of({}) == ()
    assert reserve({}, [NOON] * 3) == [NOON] * 3


@given(st.sampled_from(sorted(LENGTHS)), st.integers(1, 10_000_000))
@example("per_second", 301)
@example("per_second", 200_000)
@example("per_second", 1_000_000)
def test_a_large_limit_is_split_into_windows_that_are_at_least_as_strict(name: str, most: int) -> None:
    (window,) = windows_of({name: most})

    length = timedelta(seconds=LENGTHS[name])
    windows_passed = -(-length // window.apart)
    assert window.most <= MOST_REMEMBERED
    assert windows_passed * window.most <= most


@given(st.sampled_from(sorted(LENGTHS)), st.integers(1, 10_000_000))
@example("per_second", 1_000_000)
def test_a_reservation_is_as_far_behind_as_its_window_asks(name: str, most: int) -> None:
    (window,) = windows_of({name: most})

    slots = reserve({name: most}, [NOON] * (window.most + 1))

    assert slots[-1] - slots[0] >= window.apart


@pytest.mark.parametrize("most", [301, 1000, 5000])
def test_a_split_limit_holds_over_its_whole_window(most: int) -> None:
    slots = reserve({"per_second": most}, [NOON] * (2 * most))

    assert most_within_sorted(slots, timedelta(seconds=1)) <= most


def most_within_sorted(slots: list[datetime], length: timedelta) -> int:
    """The same in linear time, for slots in order."""
    most, first = 0, 0
    for last, slot in enumerate(slots):
        while slot - slots[first] > length:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_the_strictest_of_several_limits_decides() -> None:
    slots = reserve({"per_second": 10, "per_minute": 12}, [NOON] * 13)

    assert slots[9] == NOON
    assert slots[10] - NOON >= timedelta(seconds=1)
    assert slots[12] - NOON >= timedelta(minutes=1)


def test_what_is_too_long_ago_to_matter_is_forgotten() -> None:
    limits = windows_of({"per_second": 3, "per_minute": 20})
    bucket = Bucket(limits, [])

    slots = []
    for second in range(600):
        now = NOON + timedelta(seconds=second)
        bucket.forget(now)
        slots.append(bucket.reserve(now))
        assert len(bucket.reserved) <= 600

    assert most_within(slots, timedelta(minutes=1)) <= 20
    bucket.forget(max(slots) + timedelta(minutes=2))
    assert bucket.reserved == []


def test_a_slot_far_ahead_keeps_nobody_waiting_before_it() -> None:
    """An account that waits for tomorrow must not block the others of its app."""
    app = Bucket(windows_of({"per_minute": 2}), [])
    for _ in range(5):
        app.reserve(NOON + timedelta(days=1))

    assert app.reserve(NOON) == NOON


@given(small_limits, small_limits, st.lists(st.tuples(st.booleans(), instants), min_size=1, max_size=40))
def test_a_slot_keeps_both_the_accounts_and_the_apps_limits(
    own: dict[str, int], shared: dict[str, int], wanted: list[tuple[bool, datetime]]
) -> None:
    accounts, app = [Bucket(windows_of(own), []) for _ in range(2)], Bucket(windows_of(shared), [])

    slots = [(which, reserve_all([accounts[which], app], instant)) for which, instant in wanted]

    for name, most in shared.items():
        assert most_within([slot for _, slot in slots], timedelta(seconds=LENGTHS[name])) <= most
    for which in {which for which, _ in slots}:
        for name, most in own.items():
            mine = [slot for account, slot in slots if account == which]
            assert most_within(mine, timedelta(seconds=LENGTHS[name])) <= most


def test_many_who_wait_are_placed_quickly() -> None:
    bucket = Bucket(in_line(windows_of({"per_second": 10})), [])

    slots = [bucket.reserve(NOON) for _ in range(20_000)]

    assert slots == sorted(slots)


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
