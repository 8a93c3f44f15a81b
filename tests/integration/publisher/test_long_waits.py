"""A post that waits for long is told of once per wait, as what it truly is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from services.publisher.domain import CLAIMED
from services.publisher.sending.case import Case, Delivered
from services.publisher.sending.evidence import Evidence
from services.publisher.sending.long_waits import LONG, TOLD_FOR, LongWaits, waits
from services.publisher.store import Store, Unit
from services.publisher.tables import outbox
from shared.events.progress import State
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, SECOND, a_case, a_publication, an_attempt, delivered, requested

LATE = NOON + LONG + SECOND


class Queue:
    """The posts in line, as the test wants them."""

    def __init__(self, *posts: Delivered) -> None:
        self.posts = posts

    def waiting_since(self, _instant: datetime) -> Iterator[Case]:
        yield from (a_case(delivered=one) for one in self.posts)


@dataclass
class Before:
    """The store, where something happens before each transaction."""

    happens: Callable[[], None]
    store: Store

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        self.happens()
        return self.store.unit()


def long_waits(store: Any, clock: FakeClock, *in_line: Delivered) -> LongWaits:
    return LongWaits(store, clock, Queue(*in_line).waiting_since)


async def told(store: Store) -> list[str]:
    async with store.unit() as unit:
        return list((await unit.connection.execute(select(outbox.c.type))).scalars())


async def test_a_post_in_line_is_told_of_once_however_often_one_looks(store: Store) -> None:
    clock = FakeClock(LATE)
    waiting = long_waits(store, clock, delivered())

    for _ in range(3):
        await waiting.tell()

    assert await told(store) == ["publish.retrying"]


async def test_what_was_told_is_told_again_before_the_scheduler_sweeps(store: Store) -> None:
    clock = FakeClock(LATE)
    waiting = long_waits(store, clock, delivered())
    await waiting.tell()

    clock.advance(TOLD_FOR)
    await waiting.tell()

    assert len(await told(store)) == 2


async def test_a_post_that_is_turned_away_is_told_of_and_so_is_its_next_wait(store: Store) -> None:
    waiting = long_waits(store, FakeClock(LATE))

    for _ in range(2):
        waiting.turned_away(delivered())
        waiting.turned_away(delivered())
        await waiting.tell()
        await waiting.tell()
        waiting.wait_ended(delivered())

    assert len(await told(store)) == 2


async def test_a_wait_that_ends_while_it_is_told_of_is_over(store: Store) -> None:
    def end_the_wait() -> None:
        waiting.wait_ended(delivered())

    waiting = long_waits(Before(end_the_wait, store), FakeClock(LATE), delivered())

    await waiting.tell()
    await waiting.tell()

    assert len(await told(store)) == 2


async def test_what_could_not_be_told_is_told_later(store: Store) -> None:
    def fail() -> None:
        raise OSError("the database is away")

    away = Before(fail, store)
    waiting = long_waits(away, FakeClock(LATE), delivered())
    with pytest.raises(OSError, match="away"):
        await waiting.tell()

    away.happens = lambda: None
    await waiting.tell()

    assert await told(store) == ["publish.retrying"]


async def test_a_new_revision_is_told_of_while_an_old_one_that_was_withdrawn_elsewhere_is_still_in_line(
    store: Store,
) -> None:
    async with store.unit() as unit:
        await unit.save([a_publication(state=State.SKIPPED, withdrawn=1)])
    line = Queue(delivered())
    waiting = LongWaits(store, FakeClock(LATE), line.waiting_since)
    await waiting.tell()

    line.posts = delivered(requested(revision=2)), delivered()
    await waiting.tell()

    assert await told(store) == ["publish.retrying"]


async def test_a_post_that_has_missed_its_start_waits_though_its_attempt_is_kept_as_open(store: Store) -> None:
    """Only its delivery knows that the attempt never left; to whoever has taken the post over it is in doubt."""
    opened = an_attempt(Evidence.OPEN)
    async with store.unit() as unit:
        await unit.save([a_publication(state=State.SENDING, claim_token="mine")])
        await unit.save_attempts([opened])
    case = a_case(opened, delivered=delivered(token="mine"))
    missed = replace(case, opened=opened).not_started()

    stranger = replace(missed, delivered=delivered(token="theirs"))
    await LongWaits(store, FakeClock(LATE), lambda _instant: [stranger]).tell()
    assert await told(store) == []

    await LongWaits(store, FakeClock(LATE), lambda _instant: [missed]).tell()
    assert await told(store) == ["publish.retrying"]


async def test_a_post_that_has_not_waited_for_long_is_not_told_of(store: Store) -> None:
    waiting = long_waits(store, FakeClock(NOON + SECOND))
    waiting.turned_away(delivered())

    await waiting.tell()

    assert await told(store) == []


def test_it_says_by_when_more_is_told_and_that_nothing_is_out() -> None:
    fact = waits(delivered(), a_publication(tries=2, retries=1), [an_attempt(Evidence.REFUSED)], NOON)

    assert fact is not None
    assert (fact.attempt, fact.retries, fact.next_attempt_at, fact.in_doubt) == (2, 1, NOON + TOLD_FOR, False)


def test_a_post_that_nobody_has_claimed_yet_waits_as_well() -> None:
    fact = waits(delivered(), None, [], NOON)

    assert fact is not None
    assert fact.attempt == 0


def test_a_new_revision_waits_before_anybody_has_claimed_it_unless_the_one_before_may_be_out() -> None:
    before = a_publication(state=State.SKIPPED, withdrawn=1, tries=1)
    new = delivered(requested(revision=2))

    fact = waits(new, before, [an_attempt(Evidence.REFUSED)], NOON)

    assert fact is not None
    assert (fact.revision, fact.attempt) == (2, 1)
    assert waits(new, before, [an_attempt(Evidence.UNKNOWN)], NOON) is None


def test_a_doubt_is_told_as_one() -> None:
    fact = waits(delivered(), a_publication(state=State.RETRYING, tries=1), [an_attempt(Evidence.UNKNOWN)], NOON)

    assert fact is not None
    assert fact.in_doubt


@pytest.mark.parametrize(
    "kept",
    [
        {"state": State.SENDING},
        {"state": State.PUBLISHED},
        {"state": State.HELD},
        {"state": State.SKIPPED, "withdrawn": 1},
        {"state": CLAIMED, "withdrawn": 1},
        {"state": CLAIMED, "revision": 2},
    ],
)
def test_what_does_not_wait_is_not_said_to(kept: dict[str, Any]) -> None:
    assert waits(delivered(requested()), replace(a_publication(), **kept), [], NOON) is None


def test_what_is_on_its_way_does_not_wait() -> None:
    assert waits(delivered(), a_publication(), [an_attempt(Evidence.OPEN)], NOON) is None
