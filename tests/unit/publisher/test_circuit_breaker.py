"""What hangs at one destination takes nothing from the others, and is tried again by a few trial requests."""

import asyncio
import weakref
from datetime import timedelta

import pytest

from services.publisher.accounts.credentials import destination_of
from services.publisher.domain import StoredAccount
from services.publisher.limits import circuit_breaker
from services.publisher.limits.circuit_breaker import (
    FIRST_REST,
    FORGET_AFTER,
    OPENS_AFTER,
    REJECTED_AT_ONCE,
    TRIALS,
    CircuitBreaker,
    CircuitOpen,
    Turn,
)
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.platforms.errors import NotSent, Rejected, Unavailable
from tests.support.garbage import uncollected
from tests.support.publications import NOON
from tests.support.waiting import PATIENCE

MOST = 3


async def taken(breaker: CircuitBreaker, count: int = MOST, *, ago: float = 0.0) -> list[Turn]:
    """So many turns, whose requests left so many seconds ago."""
    turns = [await breaker.wait() for _ in range(count)]
    for turn in turns:
        turn.count_from(asyncio.get_running_loop().time() - ago)
    return turns


async def nearly_open(*, seconds: float = 0.05) -> CircuitBreaker:
    """All turns of a destination are taken, and in so many seconds they will have been for too long."""
    breaker = CircuitBreakers(MOST).at("one")
    await taken(breaker, ago=OPENS_AFTER - seconds)
    return breaker


async def opened(*, answered: bool) -> CircuitBreaker:
    """The breaker of a destination that did not answer, and what hung there has ended."""
    breaker = CircuitBreakers(MOST).at("one")
    turns = await taken(breaker, ago=OPENS_AFTER + 1)
    with pytest.raises(CircuitOpen):
        breaker.reject_if_open()
    for turn in turns:
        turn.was_answered = answered
        turn.end()
    return breaker


async def test_turns_are_given_in_the_order_they_are_asked_for() -> None:
    breakers, order = CircuitBreakers(1), []
    turn = await breakers.at("one").wait()

    async def ask(number: int) -> None:
        async with breakers.turn("one"):
            order.append(number)

    asking = [asyncio.create_task(ask(number)) for number in range(5)]
    await asyncio.sleep(0)
    turn.end()
    await asyncio.gather(*asking)

    assert order == list(range(5))


async def test_no_more_turns_are_out_than_there_are() -> None:
    breakers, out, most_out = CircuitBreakers(MOST), 0, 0

    async def ask() -> None:
        nonlocal out, most_out
        async with breakers.turn("one"):
            out += 1
            most_out = max(most_out, out)
            await asyncio.sleep(0)
            out -= 1

    await asyncio.gather(*(ask() for _ in range(50)))

    assert most_out == MOST


async def test_a_destination_whose_turns_are_all_taken_keeps_nobody_else_waiting() -> None:
    breakers = CircuitBreakers(MOST)
    await taken(breakers.at("one"))

    async with breakers.turn("two"):
        assert (breakers.is_full("one"), breakers.is_full("two")) == (True, False)


@pytest.mark.parametrize(
    ("error", "was_answered"),
    [(Rejected("no"), True), (Unavailable("HTTP 503"), True), (NotSent("no connection"), False), (ValueError(), None)],
)
async def test_a_turn_that_ends_with_an_error_knows_whether_that_was_an_answer(
    error: Exception, was_answered: bool | None
) -> None:
    with pytest.raises(type(error)):
        async with CircuitBreakers(MOST).turn("one") as turn:
            raise error

    assert turn.was_answered is was_answered


async def test_who_comes_to_an_open_breaker_is_rejected() -> None:
    breakers = CircuitBreakers(MOST)
    breaker = breakers.at("one")
    breaker.reject_if_open()
    await taken(breaker, ago=OPENS_AFTER + 1)

    for _ in range(2):
        with pytest.raises(CircuitOpen) as rejected:
            await breaker.wait()
        assert rejected.value.rest_seconds >= FIRST_REST
    with pytest.raises(CircuitOpen):
        breaker.reject_if_open()
    assert breakers.is_open("one")


async def test_one_request_that_hangs_opens_nothing_while_there_are_turns() -> None:
    breaker = CircuitBreakers(MOST).at("one")
    await taken(breaker, MOST - 1, ago=OPENS_AFTER + 1)

    breaker.reject_if_open()


async def test_who_waits_is_rejected_when_the_breaker_opens() -> None:
    breaker = await nearly_open()

    waiting = [asyncio.create_task(breaker.wait()) for _ in range(5)]
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)

    assert {type(answer) for answer in answers} == {CircuitOpen}


async def test_who_waits_is_rejected_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands at once would stop all else."""
    breaker = await nearly_open(seconds=1.0)
    waiting = [asyncio.create_task(breaker.wait()) for _ in range(5 * REJECTED_AT_ONCE)]
    await asyncio.sleep(0)
    monkeypatch.setattr(circuit_breaker, "PAUSE_SECONDS", 10 * PATIENCE)  # before the next few

    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0)
    assert sum(one.done() for one in waiting) == REJECTED_AT_ONCE

    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_all_who_wait_are_rejected_in_the_end() -> None:
    breaker = await nearly_open(seconds=1.0)
    waiting = [asyncio.create_task(breaker.wait()) for _ in range(5 * REJECTED_AT_ONCE)]

    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)

    assert {type(answer) for answer in answers} == {CircuitOpen}


async def test_being_rejected_while_waiting_leaves_no_ring_to_the_garbage_collector() -> None:
    breaker = await nearly_open()

    with uncollected():
        try:
            await breaker.wait()
        except CircuitOpen as rejected:
            raised = weakref.ref(rejected)
        await asyncio.sleep(0)
        assert raised() is None


async def test_half_open_a_few_trial_requests_find_out_whether_it_answers_again() -> None:
    breaker = await opened(answered=False)

    trials = await taken(breaker, TRIALS)
    with pytest.raises(CircuitOpen):
        await breaker.wait()
    trials[0].was_answered = True
    trials[0].end()

    await asyncio.wait_for(taken(breaker, MOST - 1), PATIENCE)


async def test_a_slow_answer_is_an_answer() -> None:
    breaker = await opened(answered=True)

    await asyncio.wait_for(taken(breaker), PATIENCE)


async def test_who_asks_nothing_of_an_open_destination_does_not_close_it() -> None:
    breaker = await opened(answered=False)

    (await breaker.wait()).end()

    await taken(breaker, TRIALS)
    with pytest.raises(CircuitOpen):
        await breaker.wait()


async def test_a_destination_that_nobody_goes_to_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    breakers = CircuitBreakers(MOST)
    turns = await taken(breakers.at("one"), ago=OPENS_AFTER + 1)
    with pytest.raises(CircuitOpen):
        breakers.at("one").reject_if_open()
    for turn in turns:
        turn.end()
    loop = asyncio.get_running_loop()
    later = loop.time() + FORGET_AFTER + 1

    monkeypatch.setattr(loop, "time", lambda: later)
    breakers.at("two")

    assert breakers.at("one").free == MOST


async def test_time_spent_before_the_request_does_not_count() -> None:
    breaker = CircuitBreakers(MOST).at("one")
    for turn in await taken(breaker, ago=OPENS_AFTER + 1):
        turn.begin()

    breaker.reject_if_open()


async def test_a_heavy_request_counts_from_when_it_may_have_arrived() -> None:
    breaker = CircuitBreakers(MOST).at("one")
    for turn in await taken(breaker, ago=OPENS_AFTER + 1):
        turn.begin(timedelta(seconds=60))

    breaker.reject_if_open()


async def test_who_gives_up_waiting_takes_no_turn_along() -> None:
    breaker = CircuitBreakers(1).at("one")
    turn = await breaker.wait()
    quitter, stayer = (asyncio.create_task(breaker.wait()) for _ in range(2))
    await asyncio.sleep(0)

    turn.end()
    quitter.cancel()

    await asyncio.wait_for(stayer, PATIENCE)


async def test_the_first_turn_that_is_free_again_is_told() -> None:
    told: list[str] = []
    breakers = CircuitBreakers(MOST)
    breakers.on_free = lambda: told.append("free")
    turns = [await breakers.at("one").wait() for _ in range(MOST)]

    for turn in turns:
        turn.end()

    assert told == ["free"]


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
