"""Posts for a destination that has taken up its share let the others pass."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.publisher.domain import Key
from services.publisher.limits.destinations import MOST_REMEMBERED, Destinations
from services.publisher.limits.overflow import REST, Overflow
from services.publisher.sending.case import Delivered
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import TryAgain
from tests.support.publications import requested

SHARE, ROOM = 3, 8


@dataclass
class Waiting:
    """In place of sending: a post goes on until the test lets it end."""

    destinations: Destinations = field(default_factory=Destinations)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    came: list[str] = field(default_factory=list)

    async def on_publish_requested(self, delivery: Delivery[PublishRequested]) -> None:
        account_id = delivery.event.account_id
        self.came.append(account_id)
        self.destinations.learn(account_id, account_id.partition("@")[2])
        await self.over.wait()


def a_delivery(account_id: str) -> Delivery[PublishRequested]:
    return Delivery(requested(account_id=account_id), "message", "correlation", redelivered=False)


async def under_way(overflow: Overflow, *account_ids: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(overflow.on_publish_requested(a_delivery(one))) for one in account_ids]
    await asyncio.sleep(0)
    return tasks


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@dataclass
class Waits:
    """In place of the long waits: what was turned away, and whose wait is over."""

    away: list[Key] = field(default_factory=list)
    ended: list[Key] = field(default_factory=list)

    def turned_away(self, delivered: Delivered) -> None:
        self.away.append(delivered.key)

    def wait_ended(self, delivered: Delivered) -> None:
        self.ended.append(delivered.key)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def overflow(waiting: Any, waits: Any) -> Overflow:
    return Overflow(waiting, waits, waiting.destinations, SHARE, ROOM)


async def test_the_first_consumer_takes_every_post(overflow: Overflow, waiting: Waiting) -> None:
    await under_way(overflow, *["one@shop"] * 2 * SHARE)

    assert len(waiting.came) == 2 * SHARE


async def test_overflow_for_the_destination_that_has_its_share_rests(
    overflow: Overflow, waiting: Waiting, waits: Waits
) -> None:
    waiting.destinations.learn("four@shop", "shop")
    await under_way(overflow, "one@shop", "two@shop", "three@shop")

    with pytest.raises(TryAgain) as verdict:
        await overflow.on_overflow(a_delivery("four@shop"))

    assert verdict.value.delay == REST
    assert "four@shop" not in waiting.came
    assert waits.away == [("post", "four@shop")]


async def test_the_wait_of_a_post_is_over_when_it_is_taken(overflow: Overflow, waits: Waits) -> None:
    await under_way(overflow, "one@shop")

    assert waits.ended == [("post", "one@shop")]


async def test_what_it_waited_here_is_over_when_it_is_done_with(
    overflow: Overflow, waiting: Waiting, waits: Waits
) -> None:
    (taken,) = await under_way(overflow, "one@shop")
    waits.ended.clear()

    waiting.over.set()
    await taken

    assert waits.ended == [("post", "one@shop")]


def test_posts_at_hand_are_counted_where_they_turn_out_to_go() -> None:
    destinations = Destinations()

    with destinations.holding("one"), destinations.holding("one"), destinations.holding("two"):
        assert (destinations.crowd("one"), destinations.crowd("two")) == (2, 1)
        destinations.learn("one", "shop")
        destinations.learn("two", "shop")
        assert (destinations.crowd("one"), destinations.crowd("two")) == (3, 3)
        destinations.learn("one", "market")
        assert (destinations.crowd("one"), destinations.crowd("two")) == (2, 1)
    assert (destinations.crowd("one"), destinations.crowd("two")) == (0, 0)


def test_the_oldest_account_is_forgotten_and_its_posts_still_count() -> None:
    destinations = Destinations()
    with destinations.holding("first"):
        for account_id in ("first", *map(str, range(MOST_REMEMBERED))):
            destinations.learn(account_id, "shop")
        assert destinations.of("first") == "first"
        assert (destinations.crowd("first"), destinations.crowd("1")) == (1, 0)
    assert destinations.crowd("first") == 0


async def test_all_other_overflow_is_published(overflow: Overflow, waiting: Waiting) -> None:
    for account_id in ("two@market", "three@market"):
        waiting.destinations.learn(account_id, "market")
    await under_way(overflow, *["one@shop"] * SHARE, *["one@market"] * (SHARE - 1))

    taken = asyncio.create_task(overflow.on_overflow(a_delivery("two@market")))
    await asyncio.sleep(0)

    assert waiting.came[-1] == "two@market"
    with pytest.raises(TryAgain):
        await overflow.on_overflow(a_delivery("three@market"))
    waiting.over.set()
    await taken


@pytest.mark.parametrize(("hanging", "taken"), [(("shop",), 4), (("shop", "market"), 6)])
async def test_destinations_that_hang_leave_room_in_the_overflow_for_others(
    waiting: Any, waits: Any, hanging: tuple[str, ...], taken: int
) -> None:
    overflow = Overflow(waiting, waits, waiting.destinations, 10 * ROOM, ROOM)
    for number in range(ROOM):
        for where in hanging:
            waiting.destinations.learn(f"{number}@{where}", where)

    asked = [f"{number}@{where}" for number in range(ROOM) for where in hanging]
    tasks = [asyncio.create_task(overflow.on_overflow(a_delivery(one))) for one in (*asked, "one@bakery")]
    await asyncio.sleep(0)

    assert len(waiting.came) == taken + 1
    assert waiting.came[-1] == "one@bakery"
    waiting.over.set()
    turned_away = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(one, TryAgain) for one in turned_away) == len(asked) - taken
    await overflow.on_overflow(a_delivery("one@shop"))


async def test_a_share_is_given_back_however_a_post_ends(overflow: Overflow, waiting: Waiting) -> None:
    done, cancelled, *_ = await under_way(overflow, *["one@shop"] * SHARE)
    cancelled.cancel()
    waiting.over.set()
    await asyncio.wait([done, cancelled])

    await overflow.on_overflow(a_delivery("one@shop"))
