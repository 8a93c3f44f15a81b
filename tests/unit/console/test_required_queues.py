"""A request is sent only where somebody can take it."""

import pytest

from services.console.requests.required_queues import RequiredQueues
from shared.events.requests import AccountDisconnectRequested, TimerTriggerRequested
from shared.messaging.broker import Unroutable

REQUEST = AccountDisconnectRequested(account_id="a")


async def test_a_request_is_refused_whenever_its_queue_is_missing_also_when_it_was_there_before() -> None:
    there: set[str] = set()

    async def has_queue(name: str) -> bool:
        return name in there

    queues = RequiredQueues({AccountDisconnectRequested: "publisher.commands"}, has_queue)

    with pytest.raises(Unroutable, match="no publisher has run"):
        await queues.ensure_for(REQUEST)
    there.add("publisher.commands")
    await queues.ensure_for(REQUEST)
    there.clear()
    with pytest.raises(Unroutable, match=r"nothing was sent, for nobody takes account.disconnect_requested"):
        await queues.ensure_for(REQUEST)


async def test_a_request_that_needs_no_queue_is_never_refused() -> None:
    async def has_queue(name: str) -> bool:
        raise AssertionError(name)

    await RequiredQueues({}, has_queue).ensure_for(TimerTriggerRequested(timer="monitor.check"))
