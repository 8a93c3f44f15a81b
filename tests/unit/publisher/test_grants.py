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
from services.publisher.limits.grants import (
    ASK_AGAIN_IN,
    ASKS_WITHIN,
    TOLD_LASTS,
    Replicas,
    Start,
    Told,
    estimated,
    given,
)
from services.publisher.limits.pace import Pace
from services.publisher.limits.windows import windows_of
from tests.support.publications import NOON, SECOND
from tests.unit.publisher.test_bucket import LENGTHS, most_within

NOBODY = Replicas("one", {})
MOST_AT_ONCE = 500


@dataclass
class Replica:
    """One process: what waits in its line, and how fast it is."""

    name: str
    waiting: list[datetime]
    pace: Pace = field(default_factory=Pace)
    asks_at: datetime = NOON
    starts: list[Start] = field(default_factory=list)
    opened: list[datetime] = field(default_factory=list)
    """The posts that wait for one of its starts."""

    @property
    def is_busy(self) -> bool:
        """Whether it has something to ask for."""
        return bool(self.waiting)


@dataclass
class Account:
    """An account's line in a loop of asking, committing and sending: no clock, no database, the real decisions."""

    limits: dict[str, int]
    replicas: Sequence[Replica]
    chance: Random
    latency: tuple[float, float] = (0, 0)
    late: tuple[float, float] = (0, 0)
    kept: dict[str, Any] = field(default_factory=dict)
    replicas_kept: dict[str, Any] = field(default_factory=dict)
    free_at: datetime = NOON
    woken: list[tuple[datetime, int, Start, Replica, bool]] = field(default_factory=list)
    """Starts, by when their replica wakes up for them, and whether they were ahead when it had them."""
    given: list[Start] = field(default_factory=list)
    sent: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When each began, and when it was due."""

    def run(self) -> "Account":
        """Until nobody waits any more."""
        for _ in range(50_000):
            asking = min((one for one in self.replicas if one.is_busy), key=lambda one: one.asks_at, default=None)
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
        asking = replica.waiting[:MOST_AT_ONCE]
        bucket = Bucket.of(windows_of(self.limits), self.kept, now, waiting=len(asking))
        told = Replicas.of(self.replicas_kept, ours=replica.name, now=now)
        one = given(asking, [bucket], told, replica.pace, now)
        self.kept, self.replicas_kept = bucket.kept(), one.replicas.kept()
        for due_at in asking[: len(one.starts)]:
            replica.waiting.remove(due_at)
            insort(replica.opened, due_at)
        self.free_at = max(now, self.free_at) + self.chance.uniform(*self.latency) * SECOND
        replica.pace.committed_in(self.free_at - now)
        replica.asks_at = max(one.next_at, self.free_at)
        for start in one.starts:
            self.given.append(start)
            replica.starts.append(start)
            wakes_at = max(start.start_at, self.free_at) + self.chance.uniform(*self.late) * SECOND
            is_ahead = start.start_at > self.free_at
            heappush(self.woken, (wakes_at, len(self.given), start, replica, is_ahead))

    def _wake(self) -> None:
        """Let the post begin that is due first, unless the start is missed."""
        now, _, start, replica, is_ahead = heappop(self.woken)
        replica.starts.remove(start)
        if is_ahead:
            replica.pace.began_late(now - start.start_at)
        replica.asks_at = max(replica.asks_at, now)
        if now <= start.latest_at and replica.opened:
            self.sent.append((now, replica.opened.pop(0)))
        while len(replica.opened) > len(replica.starts):
            insort(replica.waiting, replica.opened.pop())


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


def replicas(*, now: datetime = NOON, until: datetime = NOON + TOLD_LASTS, **due: timedelta) -> Replicas:
    """What other replicas tell of their first posts."""
    slow = Pace()
    told = {name: Told((NOON + after,), slow.lead, slow.slack, until) for name, after in due.items()}
    return Replicas.of({name: one.kept() for name, one in told.items()}, ours="one", now=now)


def test_what_is_due_before_at_another_replica_gets_the_earlier_start() -> None:
    bucket = Bucket(windows_of({"per_second": 2}))

    one = given([NOON], [bucket], replicas(other=-SECOND), Pace(), NOON)

    (theirs,), (ours,) = one.replicas.told["other"].starts, one.starts
    assert theirs.start_at < ours.start_at
    assert one.replicas.told["other"].due == ()


def test_a_start_that_is_left_for_nobody_else_is_not_taken_from_who_is_due_first() -> None:
    bucket = Bucket(windows_of({"per_second": 1}))

    one = given([NOON], [bucket], replicas(other=-SECOND), Pace(), NOON)

    assert one.starts == ()
    assert len(one.replicas.told["other"].starts) == 1
    assert one.next_at > NOON + 0.5 * SECOND


def test_what_is_due_later_at_another_replica_waits() -> None:
    one = given([NOON], [Bucket(windows_of({"per_second": 1}))], replicas(other=SECOND), Pace(), NOON)

    assert len(one.starts) == 1
    assert one.replicas.told["other"].starts == ()


def test_starts_that_others_kept_for_us_are_ours_once() -> None:
    kept = (Start(NOON + SECOND, NOON + 1.1 * SECOND), Start(NOON - SECOND, NOON - 0.9 * SECOND))
    told = Replicas("one", {"one": Told((), Pace().lead, Pace().slack, NOON + SECOND, kept)})

    one = given([NOON], [Bucket(windows_of({"per_second": 1}))], told, Pace(), NOON)

    assert one.starts == kept[:1]
    assert one.replicas.told == {}


def test_starts_lie_as_far_ahead_as_the_slowest_replica_needs() -> None:
    told = Replicas("one", {"other": Told((NOON,), 3 * SECOND, SECOND, NOON + SECOND)})

    (start,) = given([NOON], [Bucket(windows_of({"per_second": 5}))], told, Pace(), NOON).starts

    assert start.start_at >= NOON + 3 * SECOND
    assert start.latest_at - start.start_at == SECOND


def test_a_replica_that_does_not_ask_any_more_keeps_nobody_waiting() -> None:
    assert replicas(other=-SECOND, now=NOON + TOLD_LASTS).others != {}
    assert replicas(other=-SECOND, now=NOON + TOLD_LASTS + SECOND).others == {}


def test_a_replica_that_has_died_takes_no_starts_along_however_long_the_limit_has_no_room() -> None:
    """What it told is over by the time there is room again, which may be a day later."""
    bucket = Bucket(windows_of({"per_day": 1}))
    bucket.take(NOON - SECOND, NOON - SECOND)

    died = given([NOON], [bucket], NOBODY, Pace(), NOON)

    assert died.next_at == NOON + ASKS_WITHIN
    later = NOON + ASKS_WITHIN + 2 * TOLD_LASTS
    assert Replicas.of(died.replicas.kept(), ours="other", now=later).others == {}


def test_a_replica_whose_clock_is_wrong_is_not_believed() -> None:
    ahead = NOON + 3600 * SECOND
    kept = replicas(other=-SECOND, now=ahead, until=ahead + TOLD_LASTS).kept()

    assert Replicas.of(kept, ours="one", now=NOON).others == {}


def test_a_start_that_a_wrong_clock_has_kept_for_us_is_none() -> None:
    kept = (Start(NOON + 3600 * SECOND, NOON + 3601 * SECOND),)
    told = Replicas("one", {"one": Told((), Pace().lead, Pace().slack, NOON + SECOND, kept)})

    assert told.starts(NOON) == []


def test_a_replica_without_anybody_left_in_line_tells_so() -> None:
    one = given([NOON] * 20, [Bucket(windows_of({"per_second": 1}))], NOBODY, Pace(), NOON)
    assert len(one.replicas.told["one"].due) == 19

    assert given([], [Bucket(windows_of({"per_second": 1}))], one.replicas, Pace(), NOON).replicas.told == {}


@pytest.mark.parametrize("latency", [0.02, 0.2, 1, 2.5, 5])
@pytest.mark.parametrize(("limits", "count"), [({"per_second": 2}, 180), ({"per_second": 10}, 900)])
def test_three_replicas_use_a_limit_in_due_order_however_slow_commits_are(
    limits: dict[str, int], count: int, latency: float
) -> None:
    """Each commit waits for those of the others: in their first round replicas do not know of one another."""
    chance = Random(1)
    due = [NOON - 60 * SECOND + number * SECOND / 100 for number in range(count)]
    held: dict[int, list[datetime]] = {0: [], 1: [], 2: []}
    for one in due:
        held[chance.randrange(3)].append(one)
    ours = [Replica(str(name), waiting) for name, waiting in held.items()]

    account = Account(limits, ours, chance, latency=(latency, latency)).run()

    sent = sorted(account.sent)
    (most,) = limits.values()
    assert len(sent) == count
    assert most_within([at for at, _ in sent], SECOND) <= most
    known = [one for one in sent if one[0] > NOON + 12 * latency * SECOND + SECOND]
    spent = (known[-1][0] - known[0][0]).total_seconds()
    assert (len(known) - 1) / spent >= 0.8 * most
    later = [due_at for _, due_at in sent[count // 2 :]]
    assert later == sorted(later)


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
