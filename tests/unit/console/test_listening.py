"""A listener gets what interests it, and is let go when it cannot keep up."""

import pytest

from services.console.streaming.listening import Closed, Listener, TooSlow


async def test_it_gets_what_interests_it() -> None:
    listener: Listener[int] = Listener(lambda number: number > 1, most=2)
    listener.offer(1)
    listener.offer(2)

    assert await listener.next() == 2


async def test_it_is_let_go_after_what_it_has_missed_nothing_of() -> None:
    listener: Listener[int] = Listener(lambda _: True, most=2)
    for number in range(5):
        listener.offer(number)

    assert [await listener.next(), await listener.next()] == [0, 1]
    with pytest.raises(TooSlow):
        await listener.next()


async def test_it_gets_all_that_waits_at_once() -> None:
    listener: Listener[int] = Listener(lambda _: True, most=3)
    for number in range(5):
        listener.offer(number)

    assert await listener.all_next() == [0, 1, 2]
    with pytest.raises(TooSlow):
        await listener.all_next()


async def test_stopping_lets_it_go() -> None:
    listener: Listener[int] = Listener(lambda _: True, most=2)
    listener.close()

    with pytest.raises(Closed):
        await listener.next()
