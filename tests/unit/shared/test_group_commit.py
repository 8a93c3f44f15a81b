"""What is submitted together is committed together, in order, and answered one by one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.database.errors import Conflict
from shared.database.group_commit import ANSWERED_AT_ONCE, GroupCommit
from tests.support.stray import wait_for_what_is_given_up
from tests.support.waiting import PATIENCE

"""Seconds within which whatever must happen has happened, however busy the machine is."""


@dataclass
class Ledger:
    """Commits items slowly enough for others to gather, and remembers how."""

    refuses: Callable[[Any], bool] = lambda item: False
    groups: list[list[Any]] = field(default_factory=list)
    committed: list[Any] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: list[Any] = field(default_factory=list)
    most_at_work: int = 0
    clashed: bool = False

    async def commit(self, items: Sequence[Any]) -> Sequence[Any]:
        self.groups.append(list(items))
        self.clashed |= not {str(item)[0] for item in self.at_work}.isdisjoint(str(item)[0] for item in items)
        self.at_work.extend(items)
        self.most_at_work = max(self.most_at_work, len(self.at_work))
        try:
            await self.open.wait()
            if any(map(self.refuses, items)):
                raise ValueError(f"not {items[0]!r}")
            self.committed.extend(items)
            return [f"{item} done" for item in items]
        finally:
            for item in items:
                self.at_work.remove(item)


async def settle(commits: GroupCommit[Any, Any], items: Sequence[Any]) -> list[Any]:
    """Submit the items at once, in order; their answers, or what they raised."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*map(commits.submit, items), return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  (the code under test sets no event)
            await asyncio.sleep(0)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.open.set()
    return ledger


async def test_each_item_gets_its_own_answer(ledger: Ledger) -> None:
    answers = await settle(GroupCommit(ledger.commit), ["a", "b", "c"])

    assert answers == ["a done", "b done", "c done"]


async def test_what_is_submitted_at_once_is_one_group_in_order(ledger: Ledger) -> None:
    await settle(GroupCommit(ledger.commit), range(100))

    assert ledger.groups == [list(range(100))]


async def test_what_comes_while_a_group_commits_is_the_next_group() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit)

    first = asyncio.create_task(settle(commits, ["a"]))
    await until(lambda: ledger.groups == [["a"]])
    later = asyncio.create_task(settle(commits, ["b", "c", "d"]))
    await asyncio.sleep(0)
    ledger.open.set()
    await asyncio.gather(first, later)

    assert ledger.groups == [["a"], ["b", "c", "d"]]


async def test_what_came_while_a_group_committed_gathers_on_unless_something_is_urgent() -> None:
    """A group that started with whatever was there when the last one ended would be small for ever after."""
    ledger, answered = Ledger(), asyncio.Event()
    commits = GroupCommit(ledger.commit, linger_seconds=60)
    first = asyncio.create_task(commits.submit("a", urgent=True))
    await until(lambda: ledger.groups == [["a"]])
    second = asyncio.create_task(commits.submit("b"))
    first.add_done_callback(lambda _: answered.set())
    ledger.open.set()
    await answered.wait()
    await asyncio.sleep(0)

    third = asyncio.create_task(commits.submit("c", urgent=True))

    assert [await second, await third] == ["b done", "c done"]
    assert ledger.groups == [["a"], ["b", "c"]]


async def test_what_is_urgent_while_a_group_commits_follows_it_at_once() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit, linger_seconds=60)
    first = asyncio.create_task(commits.submit("a", urgent=True))
    await until(lambda: ledger.groups == [["a"]])
    second = asyncio.create_task(commits.submit("b", urgent=True))
    await asyncio.sleep(0)
    ledger.open.set()

    assert [await first, await second] == ["a done", "b done"]


async def test_how_long_a_group_lingers_is_asked_for_each_anew(ledger: Ledger) -> None:
    lingers = iter((0.0, 60.0))
    commits = GroupCommit(ledger.commit, linger_seconds=lambda: next(lingers))

    assert await commits.submit("a") == "a done"
    second = asyncio.create_task(commits.submit("b"))
    await asyncio.sleep(0)
    third = asyncio.create_task(commits.submit("c", urgent=True))

    assert [await second, await third] == ["b done", "c done"]
    assert ledger.groups == [["a"], ["b", "c"]]


async def test_a_large_group_is_answered_a_few_at_a_time(ledger: Ledger) -> None:
    """What is due meanwhile does not wait until all of them have gone on."""
    commits, went_on, between = GroupCommit(ledger.commit), [0], set[int]()

    async def go_on(item: int) -> None:
        await commits.submit(item)
        went_on[0] += 1

    waiting = [asyncio.create_task(go_on(item)) for item in range(100)]
    while went_on[0] < 100:
        between.add(went_on[0])
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert ledger.groups == [list(range(100))]
    assert len(between) >= 100 / ANSWERED_AT_ONCE


async def test_one_alone_is_committed_alone(ledger: Ledger) -> None:
    assert await settle(GroupCommit(ledger.commit), ["a"]) == ["a done"]


async def test_a_group_later_than_the_last_starts_anew(ledger: Ledger) -> None:
    commits = GroupCommit(ledger.commit)

    await settle(commits, ["a"])
    await settle(commits, ["b"])

    assert ledger.groups == [["a"], ["b"]]


async def test_a_group_has_at_most_so_many_items(ledger: Ledger) -> None:
    await settle(GroupCommit(ledger.commit, most=3), range(8))

    assert [len(group) for group in ledger.groups] == [3, 3, 2]
    assert ledger.committed == list(range(8))


async def test_a_group_takes_nothing_more_once_it_is_heavy_enough(ledger: Ledger) -> None:
    await settle(GroupCommit(ledger.commit, most=10, weigh=lambda item: item), [4, 4, 4, 100, 1, 9, 1])

    assert ledger.groups == [[4, 4, 4], [100], [1, 9], [1]]


async def test_an_item_heavier_than_a_group_goes_all_the_same(ledger: Ledger) -> None:
    assert await settle(GroupCommit(ledger.commit, most=10, weigh=lambda item: item), [100]) == ["100 done"]


async def test_only_the_item_at_fault_fails(ledger: Ledger) -> None:
    ledger.refuses = lambda item: item == "bad"

    answers = await settle(GroupCommit(ledger.commit), ["a", "bad", "b"])

    assert [str(answer) for answer in answers] == ["a done", "not 'bad'", "b done"]
    assert isinstance(answers[1], ValueError)
    assert ledger.committed == ["a", "b"]
    assert ledger.groups == [["a", "bad", "b"], ["a"], ["bad", "b"], ["bad"], ["b"]]


async def test_one_item_at_fault_among_many_is_found_in_few_commits(ledger: Ledger) -> None:
    ledger.refuses = lambda item: item == 321

    answers = await settle(GroupCommit(ledger.commit), range(500))

    assert [number for number, answer in enumerate(answers) if isinstance(answer, ValueError)] == [321]
    assert ledger.committed == [number for number in range(500) if number != 321]
    assert len(ledger.groups) <= 20


async def test_a_group_that_fails_for_a_while_is_not_tried_item_by_item(ledger: Ledger) -> None:
    async def away(items: Sequence[Any]) -> Sequence[Any]:
        ledger.groups.append(list(items))
        raise ConnectionResetError("the database is away")

    answers = await settle(GroupCommit(away), range(500))

    assert [type(answer) for answer in answers] == [ConnectionResetError] * 500
    assert len(ledger.groups) == 1


async def test_only_the_item_that_was_overtaken_fails(ledger: Ledger) -> None:
    async def overtaken(items: Sequence[Any]) -> Sequence[Any]:
        if "late" in items:
            raise Conflict("another replica was first")
        return await ledger.commit(items)

    answers = await settle(GroupCommit(overtaken), ["a", "late", "b"])

    assert [str(answer) for answer in answers] == ["a done", "another replica was first", "b done"]


async def test_a_group_that_hangs_makes_way_for_the_next() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit, within=timedelta(seconds=0.1))

    (hung,) = await settle(commits, ["a"])
    ledger.open.set()

    assert isinstance(hung, TimeoutError)
    assert await settle(commits, ["b"]) == ["b done"]
    assert ledger.committed == ["b"]


async def test_what_is_too_slow_together_is_tried_again_in_lighter_groups_until_it_succeeds(ledger: Ledger) -> None:
    """What failed comes again, all at once: as heavy a group would be too slow again, for ever."""

    async def slow(items: Sequence[Any]) -> Sequence[Any]:
        if len(items) > 3:
            ledger.groups.append(list(items))
            raise TimeoutError
        return await ledger.commit(items)

    commits, left = GroupCommit(slow), list(range(16))
    for _ in range(20):
        answers = await settle(commits, left)
        left = [item for item, answer in zip(left, answers, strict=True) if isinstance(answer, TimeoutError)]

    assert left == []
    assert sorted(ledger.committed) == list(range(16))


async def test_groups_are_as_heavy_as_before_once_some_have_succeeded(ledger: Ledger) -> None:
    is_slow = True

    async def slow_at_first(items: Sequence[Any]) -> Sequence[Any]:
        if is_slow:
            raise TimeoutError
        return await ledger.commit(items)

    commits = GroupCommit(slow_at_first, most=8)
    await settle(commits, range(8))
    is_slow = False
    await settle(commits, range(32))

    assert [len(group) for group in ledger.groups] == [4, 8, 8, 8, 4]


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit)
    first = asyncio.create_task(settle(commits, ["a"]))
    await until(lambda: ledger.groups == [["a"]])
    gave_up, stayed = asyncio.create_task(commits.submit("b")), asyncio.create_task(commits.submit("c"))
    await asyncio.sleep(0)

    gave_up.cancel()
    await asyncio.sleep(0)
    ledger.open.set()
    await asyncio.gather(first, stayed)

    assert ledger.groups == [["a"], ["c"]]


async def test_a_failure_does_not_stop_the_groups_after_it(ledger: Ledger) -> None:
    ledger.refuses = lambda item: item == "bad"
    commits = GroupCommit(ledger.commit)

    await settle(commits, ["bad"])

    assert await settle(commits, ["a"]) == ["a done"]


async def test_a_commit_that_others_give_up_fails_its_group_and_no_other() -> None:
    async def commit(items: Sequence[str]) -> Sequence[str]:
        if items == ["first"]:
            await wait_for_what_is_given_up()
        return items

    commits: GroupCommit[str, str] = GroupCommit(commit)

    (first,) = await settle(commits, ["first"])
    assert isinstance(first, ConnectionError)
    assert await settle(commits, ["second"]) == ["second"]


async def test_who_gave_up_waiting_holds_nobody_up() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit)
    gave_up = asyncio.create_task(commits.submit("a"))
    stayed = asyncio.create_task(commits.submit("b"))
    await until(lambda: ledger.groups == [["a", "b"]])

    gave_up.cancel()
    ledger.open.set()

    assert await asyncio.wait_for(stayed, PATIENCE) == "b done"
    assert gave_up.cancelled()


async def test_lanes_commit_side_by_side_what_has_no_key_in_common() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit, most=2, lanes=2, keys=lambda item: item[0])

    settling = asyncio.create_task(settle(commits, ["a1", "b1", "c1", "d1"]))
    await until(lambda: len(ledger.groups) == 2)
    ledger.open.set()
    await settling

    assert ledger.groups == [["a1", "b1"], ["c1", "d1"]]
    assert ledger.most_at_work == 4


async def test_lanes_keep_the_order_of_what_has_a_key_in_common() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit, most=2, lanes=2, keys=lambda item: item[0])

    settling = asyncio.create_task(settle(commits, ["a1", "b1", "b2", "c1"]))
    await until(lambda: ledger.groups == [["a1", "b1"]])
    ledger.open.set()
    await settling

    assert ledger.committed == ["a1", "b1", "b2", "c1"]
    assert not ledger.clashed


def in_lanes(
    items: Sequence[str], pauses: Sequence[int], *, most: int, lanes: int, bad: frozenset[str]
) -> tuple[Ledger, list[Any]]:
    """Submit items with pauses between them, until every one is answered."""

    async def submit_all() -> tuple[Ledger, list[Any]]:
        ledger = Ledger(refuses=lambda item: item in bad)
        ledger.open.set()
        commits = GroupCommit(ledger.commit, most=most, lanes=lanes, keys=lambda item: item[0], linger_seconds=0)
        submitted = []
        for item, pause in zip(items, pauses, strict=False):
            submitted.append(asyncio.create_task(settle(commits, [item])))
            for _ in range(pause):
                await asyncio.sleep(0)
        return ledger, [answer for answers in await asyncio.gather(*submitted) for answer in answers]

    return asyncio.run(submit_all())


items = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 99)).map(lambda one: f"{one[0]}{one[1]}"), max_size=20
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(items, st.lists(st.integers(0, 3), min_size=20), st.integers(1, 5), st.integers(1, 3))
def test_every_item_is_answered_once_and_each_keys_items_in_order(
    items: list[str], pauses: list[int], most: int, lanes: int
) -> None:
    ledger, answers = in_lanes(items, pauses, most=most, lanes=lanes, bad=frozenset())

    assert answers == [f"{item} done" for item in items]
    assert not ledger.clashed
    for key in "abc":
        assert [i for i in ledger.committed if i[0] == key] == [i for i in items if i[0] == key]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(items, st.lists(st.integers(0, 3), min_size=20), st.integers(1, 5), st.integers(1, 3), st.data())
def test_the_faults_of_some_are_never_the_faults_of_others(
    items: list[str], pauses: list[int], most: int, lanes: int, data: st.DataObject
) -> None:
    bad = data.draw(st.frozensets(st.sampled_from(items or ["a0"])))

    _, answers = in_lanes(items, pauses, most=most, lanes=lanes, bad=bad)

    assert [isinstance(answer, ValueError) for answer in answers] == [item in bad for item in items]


async def test_when_two_groups_in_a_row_hang_all_that_waits_fails_with_them(ledger: Ledger) -> None:
    """One after the other they would wait as long as the database is away, while another replica may reach it."""

    async def hang(items: Sequence[Any]) -> Sequence[Any]:
        ledger.groups.append(list(items))
        raise TimeoutError

    answers = await settle(GroupCommit(hang, most=8), range(100))

    assert [type(answer) for answer in answers] == [TimeoutError] * 100
    assert [len(group) for group in ledger.groups] == [8, 4]
