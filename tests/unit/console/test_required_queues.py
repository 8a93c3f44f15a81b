"""A request is sent only where somebody can take it."""

import pytest

from services.console.requests.required_queues import RequiredQueues
from shared.events.requests import AccountDisconnectRequested, TimerTriggerRequested
from shared.messaging.broker import Unroutable

REQUEST = AccountDisconnectRequested(account_id="a")


async def test_a_missing_queue_refuses_until_it_is_there_and_is_then_known() -> None:
    there: set[str] = set()
    looked: list[str] = []

    async def has_queue(name: str) -> bool:
        looked.append(name)
        return name in there

    queues = RequiredQueues({AccountDisconnectRequested: "publisher.commands"}, has_queue)

    with pytest.raises(Unroutable, match="no publisher has run"):
        await queues.ensure_for(REQUEST)
    there.add("publisher.commands")
    for _ in range(3):
        await queues.ensure_for(REQUEST)

    assert len(looked) == 2


async def test_a_request_that_needs_no_queue_is_never_refused() -> None:
    async def has_queue(name: str) -> bool:
        raise AssertionError(name)

    await RequiredQueues({}, has_queue).ensure_for(TimerTriggerRequested(timer="monitor.check"))
