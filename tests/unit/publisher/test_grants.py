"""Who may start when: in due order over all replicas, within every window, and always soon."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given as given_by
from hypothesis import settings
from hypothesis import strategies as st

from services.publisher.limits.bucket import Bucket
from services.publisher.limits.grants import ASK_AGAIN_IN, HEADS_LAST, Heads, NotBegun, Start, estimated, given
from services.publisher.limits.pace import Pace
from services.publisher.limits.windows import windows_of
from tests.support.publications import NOON, SECOND
from tests.unit.publisher.test_bucket import LENGTHS, most_within

NOBODY = Heads({})
MOST_AT_ONCE = 500


@dataclass
class Replica:
    """One process: what waits in its line, and how fast it is."""

    name: str
    waiting: list[datetime]
    pace: Pace = field(default_factory=Pace)
    asks_at: datetime = NOON


@dataclass
class Account:
    """An account's line in a loop of asking, committing and sending: no clock, no database, the real decisions."""

    limits: dict[str, int]
    replicas: Sequence[Replica]
    chance: Random
    latency: tuple[float, float] = (0, 0)
    late: tuple[float, float] = (0, 0)
    kept: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, list[str]] = field(default_factory=dict)
    free_at: datetime = NOON
    woken: list[tuple[datetime, int, Start, datetime, Replica, datetime | None]] = field(default_factory=list)
    """Senders, by when they wake up; those whose start was over by then know when it was asked for."""
    given: list[Start] = field(default_factory=list)
    sent: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When each began, and when it was due."""

    def run(self) -> "Account":
        """Until nobody waits any more."""
        for _ in range(50_000):
            asking = min((one for one in self.replicas if one.waiting), key=lambda one: one.asks_at, default=None)
            if self.woken and (asking is None or self.woken[0][0] <= asking.asks_at):
                self._wake()
            elif asking:
                self._ask(asking)
            else:
                return self
        raise AssertionError("somebody waits for ever")

    def _ask(self, replica: Replica) -> None:
        """One transaction: it waits for those of others, then commits after a while."""
        now = replica.asks_at
        bucket = Bucket.of(windows_of(self.limits), self.kept, now, waiting=len(replica.waiting))
        told = Heads.of(self.heads, but=replica.name, now=now)
        asking = replica.waiting[:MOST_AT_ONCE]
        one = given(asking, [bucket], told, replica.pace, now)
        first, replica.waiting = asking[: len(one.starts)], replica.waiting[len(one.starts) :]
        not_begun = [NotBegun(due, start.latest_at) for due, start in zip(first, one.starts, strict=True)]
        self.kept, self.heads = bucket.kept(), told.with_ours(replica.name, replica.waiting, not_begun, one.next_at)
        self.free_at = max(now, self.free_at) + self.chance.uniform(*self.latency) * SECOND
        replica.pace.committed_in(self.free_at - now)
        replica.asks_at = max(one.next_at, self.free_at)
        for start, due_at in zip(one.starts, first, strict=True):
            self.given.append(start)
            wakes_at = max(start.start_at, self.free_at) + self.chance.uniform(*self.late) * SECOND
            asked_at = now if start.start_at <= self.free_at else None
            heappush(self.woken, (wakes_at, len(self.given), start, due_at, replica, asked_at))

    def _wake(self) -> None:
        """Begin a send; where its start is missed the post stands in line again."""
        now, _, start, due_at, replica, asked_at = heappop(self.woken)
        if asked_at is None:
            replica.pace.began_late(now - start.start_at)
        else:
            replica.pace.committed_in(now - asked_at)
        if now > start.latest_at:
            insort(replica.waiting, due_at)
            replica.asks_at = max(replica.asks_at, now)
        else:
            self.sent.append((now, due_at))


def overdue(count: int, name: str = "one") -> Replica:
    return Replica(name, [NOON - 60 * SECOND + number * SECOND / 1000 for number in range(count)])


limits_given = st.one_of(
    st.builds(lambda most: {"per_second": most}, st.sampled_from([1, 2, 5, 20, 100])),
    st.builds(lambda most: {"per_second": 3, "per_minute": most}, st.sampled_from([20, 60])),
)


@given_by(
    limits_given,
    st.integers(1, 3),
    st.floats(0, 3),
    st.sampled_from([0.0, 0.02, 0.2, 2.0]),
    st.integers(0, 10**6),
)
@settings(max_examples=60)
def test_no_window_is_exceeded_by_several_replicas_that_are_slow_and_late(
    limits: dict[str, int], replicas: int, latency: float, late: float, seed: int
) -> None:
    chance = Random(seed)
    waiting = [sorted(NOON + chance.uniform(0, 3) * SECOND for _ in range(20)) for _ in range(replicas)]
    ours = [Replica(str(number), due) for number, due in enumerate(waiting)]

    account = Account(limits, ours, chance, latency=(0, latency), late=(0, late)).run()

    assert len(account.sent) == 20 * replicas
    for name, most in limits.items():
        assert most_within([at for at, _ in account.sent], LENGTHS[name] * SECOND) <= most
    starts = [start.start_at for start in account.given]
    assert starts == sorted(starts)


@pytest.mark.parametrize("latency", [0, 0.05, 0.3, 1, 2, 5])
@pytest.mark.parametrize(
    ("limits", "count"), [({"per_second": 1}, 60), ({"per_second": 10}, 600), ({"per_second": 100}, 3000)]
)
def test_a_limit_is_used_to_four_fifths_however_slow_commits_are(
    limits: dict[str, int], count: int, latency: float
) -> None:
    account = Account(limits, [overdue(count)], Random(1), latency=(latency, latency)).run()

    begun = sorted(at for at, _ in account.sent)
    (most,) = limits.values()
    assert (count - 1) / (begun[-1] - begun[0]).total_seconds() >= 0.8 * most
    assert begun[0] - NOON <= timedelta(seconds=1 + 3 * latency)


@pytest.mark.parametrize("late", [0.05, 0.5, 2])
def test_a_process_that_wakes_up_late_still_makes_progress(late: float) -> None:
    account = Account({"per_second": 10}, [overdue(200)], Random(1), latency=(0, 0.2), late=(0, late)).run()

    begun = sorted(at for at, _ in account.sent)
    assert len(begun) == 200
    assert begun[-1] - NOON <= timedelta(seconds=200 / 10 * (1.3 + 3 * late) + 10)


@given_by(st.integers(1, 50), st.integers(1, 20), st.timedeltas(timedelta(0), 9 * SECOND))
def test_with_room_somebody_is_given_a_start_at_once(waiting: int, most: int, commit: timedelta) -> None:
    pace = Pace()
    pace.committed_in(commit)

    one = given([NOON] * waiting, [Bucket(windows_of({"per_second": most}), waiting=waiting)], NOBODY, pace, NOON)

    assert one.starts[0].start_at - NOON <= pace.lead + 0.001 * SECOND
    assert one.next_at > NOON


@given_by(st.integers(0, 30), st.integers(1, 20), st.timedeltas(timedelta(0), 9 * SECOND))
def test_whoever_asks_again_asks_later(taken: int, most: int, commit: timedelta) -> None:
    pace, bucket = Pace(), Bucket(windows_of({"per_minute": most}))
    pace.committed_in(commit)
    for _ in range(taken):
        start_at = bucket.earliest(NOON)
        bucket.take(start_at, start_at + pace.slack)

    one = given([NOON] * 40, [bucket], NOBODY, pace, NOON)

    assert one.next_at >= NOON + ASK_AGAIN_IN


def test_a_post_that_is_not_due_starts_at_its_instant() -> None:
    due_at = NOON + 0.2 * SECOND

    (start,) = given([due_at], [Bucket(windows_of({"per_second": 5}))], NOBODY, Pace(), NOON).starts

    assert start.start_at == due_at


def heads(**due: timedelta) -> Heads:
    """When the first posts of other replicas are due; believed for a while."""
    return Heads({name: (NOON + after, NOON + HEADS_LAST) for name, after in due.items()})


def test_on_a_slow_limit_what_is_due_before_at_another_replica_goes_first() -> None:
    bucket = Bucket(windows_of({"per_second": 1}))

    assert given([NOON], [bucket], heads(other=-SECOND), Pace(), NOON).starts == ()
    assert len(given([NOON], [bucket], heads(other=SECOND), Pace(), NOON).starts) == 1


def test_a_replica_that_does_not_ask_any_more_keeps_nobody_waiting() -> None:
    told = heads(other=-SECOND).with_ours("one", [], [], NOON)

    assert Heads.of(told, but="one", now=NOON).go_before(NOON)
    assert not Heads.of(told, but="one", now=NOON + HEADS_LAST + SECOND).go_before(NOON)


def test_a_replica_does_not_wait_for_itself() -> None:
    told = NOBODY.with_ours("one", [NOON], [], NOON)

    assert not Heads.of(told, but="one", now=NOON).go_before(NOON + SECOND)
    assert Heads.of(told, but="two", now=NOON).go_before(NOON + SECOND)


def test_a_replica_without_anybody_left_in_line_tells_so() -> None:
    told = NOBODY.with_ours("one", [NOON], [], NOON)

    assert Heads.of(told, but="one", now=NOON).with_ours("one", [], [], NOON) == {}


def test_posts_leave_in_due_order_over_two_replicas_of_a_slow_limit() -> None:
    """But for the moment in which a replica does not know yet of what has just come to the other."""
    even, odd = ([NOON + number * SECOND / 100 for number in range(first, 40, 2)] for first in (0, 1))

    account = Account({"per_second": 2}, [Replica("even", even), Replica("odd", odd)], Random(1)).run()

    due = [due_at for _, due_at in sorted(account.sent)]
    overtakes = sum(later < earlier for earlier, later in pairwise(due))
    assert overtakes <= 2


def test_an_estimate_takes_nothing() -> None:
    bucket = Bucket(windows_of({"per_second": 1}))

    estimates = estimated(3, [bucket], Pace(), NOON)

    assert estimates[0] - NOON < 0.1 * SECOND
    assert all(later - earlier >= SECOND for earlier, later in pairwise(estimates))
    assert bucket.earliest(NOON) == NOON


def test_a_post_that_has_a_start_is_let_go_first_until_it_has_begun_or_missed_it() -> None:
    granted = [NotBegun(NOON - SECOND, NOON + SECOND)]

    told = NOBODY.with_ours("one", [], granted, NOON)

    assert Heads.of(told, but="other", now=NOON + SECOND).go_before(NOON)
    assert not Heads.of(told, but="other", now=NOON + 1.001 * SECOND).go_before(NOON)
