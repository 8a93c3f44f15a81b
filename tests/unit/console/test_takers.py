"""A request is sent only where somebody can take it."""

import pytest

from services.console.takers import Takers
from shared.events.requests import AccountDisconnectRequested, TimerTriggerRequested
from shared.messaging.broker import Unroutable

REQUEST = AccountDisconnectRequested(account_id="a")


async def test_a_missing_queue_refuses_until_it_is_there_and_is_then_known() -> None:
    there: set[str] = set()
    looked: list[str] = []

    async def has_queue(name: str) -> bool:
        looked.append(name)
        return name in there

    takers = Takers({AccountDisconnectRequested: "publisher.commands"}, has_queue)

    with pytest.raises(Unroutable, match="no publisher has run"):
        await takers.require(REQUEST)
    there.add("publisher.commands")
    for _ in range(3):
        await takers.require(REQUEST)

    assert len(looked) == 2


async def test_a_request_that_needs_no_queue_is_never_refused() -> None:
    async def has_queue(name: str) -> bool:
        raise AssertionError(name)

    await Takers({}, has_queue).require(TimerTriggerRequested(timer="monitor.check"))
