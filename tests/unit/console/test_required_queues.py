"""A request is sent only where somebody can take it."""

import asyncio

import pytest

from services.console.requests.required_queues import RequiredQueues
from shared.events.requests import AccountDisconnectRequested, TimerTriggerRequested
from shared.messaging.broker import BrokerUnavailable, Unroutable

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


async def test_requests_that_come_together_share_a_look_that_begins_after_they_asked() -> None:
    looks: asyncio.Queue[asyncio.Future[bool]] = asyncio.Queue()

    async def has_queue(_name: str) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        looks.put_nowait(answer)
        return await answer

    queues = RequiredQueues({AccountDisconnectRequested: "publisher.commands"}, has_queue)
    early = [asyncio.create_task(queues.ensure_for(REQUEST)) for _ in range(10)]
    first = await looks.get()
    late = [asyncio.create_task(queues.ensure_for(REQUEST)) for _ in range(10)]
    first.set_result(True)
    await asyncio.gather(*early)
    second = await looks.get()
    assert not any(task.done() for task in late)
    second.set_result(False)

    assert all(isinstance(one, Unroutable) for one in await asyncio.gather(*late, return_exceptions=True))
    assert looks.empty()


async def test_who_gives_up_takes_no_look_from_the_others_and_a_broken_one_is_told_to_all() -> None:
    is_asked, answer = asyncio.Event(), asyncio.Event()

    async def has_queue(_name: str) -> bool:
        is_asked.set()
        await answer.wait()
        raise BrokerUnavailable("it is away")

    queues = RequiredQueues({AccountDisconnectRequested: "publisher.commands"}, has_queue)
    impatient, patient = [asyncio.create_task(queues.ensure_for(REQUEST)) for _ in range(2)]
    await is_asked.wait()
    impatient.cancel()
    answer.set()

    with pytest.raises(BrokerUnavailable, match="it is away"):
        await patient
