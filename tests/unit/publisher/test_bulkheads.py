"""What hangs at one destination takes nothing from the others, and is tried again by a few."""

import asyncio
import weakref

import pytest

from services.publisher.accounts.credentials import destination_of
from services.publisher.bulkheads import (
    FIRST_REST,
    FORGET_AFTER,
    LEAVING,
    PROBES,
    UNWELL_AFTER,
    Bulkheads,
    Turn,
    Unwell,
)
from services.publisher.domain import StoredAccount
from tests.support.garbage import uncollected
from tests.support.publications import NOON

MOST = 3


async def taken(bulkheads: Bulkheads, count: int = MOST, name: str = "one") -> list[Turn]:
    return [await bulkheads.take(name) for _ in range(count)]


def long_ago(turns: list[Turn]) -> None:
    """Let these turns have been taken too long ago."""
    for turn in turns:
        turn.since -= UNWELL_AFTER + 1


async def nearly_unwell() -> Bulkheads:
    """All turns of a destination are taken, and in a moment they will have been for too long."""
    bulkheads = Bulkheads(MOST)
    for turn in await taken(bulkheads):
        turn.since -= UNWELL_AFTER - 0.05
    return bulkheads


async def test_turns_are_given_in_the_order_they_are_asked_for() -> None:
    bulkheads, order = Bulkheads(1), []
    turn = await bulkheads.take("one")

    async def ask(number: int) -> None:
        async with bulkheads.turn("one"):
            order.append(number)

    asking = [asyncio.create_task(ask(number)) for number in range(5)]
    await asyncio.sleep(0)
    bulkheads.give_back("one", turn)
    await asyncio.gather(*asking)

    assert order == list(range(5))


async def test_no_more_turns_are_out_than_there_are() -> None:
    bulkheads, out, most_out = Bulkheads(MOST), 0, 0

    async def ask() -> None:
        nonlocal out, most_out
        async with bulkheads.turn("one"):
            out += 1
            most_out = max(most_out, out)
            await asyncio.sleep(0)
            out -= 1

    await asyncio.gather(*(ask() for _ in range(50)))

    assert most_out == MOST


async def test_a_destination_whose_turns_are_all_taken_keeps_nobody_else_waiting() -> None:
    bulkheads = Bulkheads(MOST)
    await taken(bulkheads)

    async with bulkheads.turn("two"):
        assert bulkheads.is_crowded()


async def test_who_comes_to_an_unwell_destination_is_turned_away() -> None:
    bulkheads = Bulkheads(MOST)
    bulkheads.turn_away_if_unwell("one")
    long_ago(await taken(bulkheads))

    for come in (bulkheads.take("one"), bulkheads.take("one")):
        with pytest.raises(Unwell) as away:
            await come
        assert away.value.rest_seconds >= FIRST_REST
    with pytest.raises(Unwell):
        bulkheads.turn_away_if_unwell("one")
    assert not bulkheads.is_crowded()


async def test_who_waits_is_turned_away_when_the_destination_turns_out_unwell() -> None:
    bulkheads = await nearly_unwell()

    waiting = [asyncio.create_task(bulkheads.take("one")) for _ in range(5)]
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)

    assert {type(answer) for answer in answers} == {Unwell}


async def test_who_waits_is_turned_away_a_few_at_a_time() -> None:
    """Thousands at once would stop all else; and none of them waits for long."""
    bulkheads = await nearly_unwell()
    waiting = [asyncio.create_task(bulkheads.take("one")) for _ in range(5 * LEAVING)]

    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0)
    assert sum(one.done() for one in waiting) <= LEAVING

    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert {type(answer) for answer in answers} == {Unwell}


async def test_being_turned_away_while_waiting_leaves_no_ring_to_the_garbage_collector() -> None:
    bulkheads = await nearly_unwell()

    with uncollected():
        try:
            await bulkheads.take("one")
        except Unwell as away:
            raised = weakref.ref(away)
        await asyncio.sleep(0)
        assert raised() is None


async def unwell(bulkheads: Bulkheads, *, answered: bool) -> None:
    """Find the destination unwell, and end what hung there."""
    turns = await taken(bulkheads)
    long_ago(turns)
    with pytest.raises(Unwell):
        bulkheads.turn_away_if_unwell("one")
    for turn in turns:
        turn.was_answered = answered
        bulkheads.give_back("one", turn)


async def test_a_few_try_whether_it_is_well_again() -> None:
    bulkheads = Bulkheads(MOST)
    await unwell(bulkheads, answered=False)

    probes = await taken(bulkheads, PROBES)
    with pytest.raises(Unwell):
        await bulkheads.take("one")
    probes[0].was_answered = True
    bulkheads.give_back("one", probes[0])

    await asyncio.wait_for(taken(bulkheads, MOST - 1), 1)


async def test_a_slow_answer_is_an_answer() -> None:
    bulkheads = Bulkheads(MOST)
    await unwell(bulkheads, answered=True)

    await asyncio.wait_for(taken(bulkheads), 1)


async def test_who_asks_nothing_of_an_unwell_destination_does_not_make_it_well() -> None:
    bulkheads = Bulkheads(MOST)
    await unwell(bulkheads, answered=False)

    bulkheads.give_back("one", await bulkheads.take("one"))

    await taken(bulkheads, PROBES)
    with pytest.raises(Unwell):
        await bulkheads.take("one")


async def test_a_destination_that_nobody_goes_to_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    bulkheads = Bulkheads(MOST)
    await unwell(bulkheads, answered=False)
    loop = asyncio.get_running_loop()
    later = loop.time() + FORGET_AFTER + 1

    monkeypatch.setattr(loop, "time", lambda: later)
    await bulkheads.take("two")

    await taken(bulkheads)


async def test_time_spent_before_the_request_does_not_count() -> None:
    bulkheads = Bulkheads(MOST)
    turns = await taken(bulkheads)
    long_ago(turns)
    for turn in turns:
        bulkheads.begin("one", turn)

    bulkheads.turn_away_if_unwell("one")


async def test_who_gives_up_waiting_takes_no_turn_along() -> None:
    bulkheads = Bulkheads(1)
    turn = await bulkheads.take("one")
    quitter, stayer = (asyncio.create_task(bulkheads.take("one")) for _ in range(2))
    await asyncio.sleep(0)

    bulkheads.give_back("one", turn)
    quitter.cancel()

    await asyncio.wait_for(stayer, 1)


@pytest.mark.parametrize(
    ("platform", "settings", "expected"),
    [
        ("x", "{}", "x"),
        ("mastodon", '{"server": "https://Mastodon.example"}', "mastodon mastodon.example"),
        ("mastodon", '{"server": "https://other.example:444/"}', "mastodon other.example:444"),
        ("webhook", '{"url": "https://user:word@shop.example/hook/1"}', "webhook shop.example"),
        ("webhook", '{"url": 7}', "webhook"),
        ("webhook", '{"url": "http://[broken"}', "webhook"),
    ],
)
def test_a_destination_is_a_platform_and_its_server(platform: str, settings: str, expected: str) -> None:
    account = StoredAccount("account", platform, settings, "", "{}", True, NOON)

    assert destination_of(account) == expected
