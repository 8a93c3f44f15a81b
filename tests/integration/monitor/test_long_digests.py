"""A digest longer than its target takes: in parts, one after the other, each of them once."""

import re

import pytest

from services.monitor.domain import State
from shared.messaging.verdict import Park, TryAgain
from tests.fakes.networks.base import Fault, refuses
from tests.integration.monitor.test_notifying import DIGEST, NINE, Hook, states
from tests.support.monitoring import Monitor

MENTIONS = 700


async def a_long_digest(monitor: Monitor, hook: Hook) -> None:
    """Seven hundred mentions wait for the hook, as the digest of a day."""
    await monitor.configure(targets=[hook.target], notify="digest", digest=DIGEST)
    await monitor.begun()
    for number in range(MENTIONS):
        monitor.network.post("sailing", f"The time ball drops, {number}")
    await monitor.check()
    await monitor.digest(at=NINE)


async def send_last(monitor: Monitor) -> None:
    """Send what was asked for last."""
    await monitor.send((await monitor.told("notification.requested"))[-1]["delivery_id"])


def numbers_in(hook: Hook) -> list[int]:
    return [int(found) for call in hook.calls for found in re.findall(r"drops, (\d+)”", call.json["message"])]


async def test_every_mention_of_a_long_digest_is_told_once_and_in_order(monitor: Monitor) -> None:
    async with Hook().serving() as hook:
        await a_long_digest(monitor, hook)
        while (await states(monitor))[0][0] == "pending":
            await send_last(monitor)

    assert len(hook.calls) > 1
    assert numbers_in(hook) == list(range(MENTIONS))
    assert hook.calls[0].json["title"].startswith(f"700 mentions up to 2026-11-23, part 1 of {len(hook.calls)}")
    assert len(await monitor.told("notification.requested")) == len(hook.calls)


async def test_a_part_that_is_refused_for_now_holds_up_the_next_ones_until_it_is_there(light_monitor: Monitor) -> None:
    async with Hook().serving() as hook:
        await a_long_digest(light_monitor, hook)
        await send_last(light_monitor)
        hook.faults.append(refuses(503))
        with pytest.raises(TryAgain):
            await send_last(light_monitor)

        while (await states(light_monitor))[0][0] == "pending":
            await send_last(light_monitor)

    told = numbers_in(hook)
    assert list(dict.fromkeys(told)) == list(range(MENTIONS))
    assert len(told) > MENTIONS  # the refused part, once more


async def test_a_part_that_may_have_arrived_is_followed_by_the_next_one(light_monitor: Monitor) -> None:
    async with Hook().serving() as hook:
        await a_long_digest(light_monitor, hook)
        hook.faults.append(Fault(lands=True, then="hang up"))
        with pytest.raises(Park):
            await send_last(light_monitor)
        await send_last(light_monitor)

    assert hook.calls[1].json["title"].startswith("700 mentions up to 2026-11-23, part 2")


async def test_a_part_whose_sender_died_is_followed_by_the_next_one(light_monitor: Monitor) -> None:
    async with Hook().serving() as hook:
        await a_long_digest(light_monitor, hook)
        ((first,)) = [order["delivery_id"] for order in await light_monitor.told("notification.requested")]
        assert await light_monitor.notifying._claim(first)
        with pytest.raises(TryAgain) as raised:
            await light_monitor.send(first)
        light_monitor.clock.advance(raised.value.delay)
        with pytest.raises(Park, match="may have arrived"):
            await light_monitor.send(first)
        await send_last(light_monitor)

    assert hook.calls[0].json["title"].startswith("700 mentions up to 2026-11-23, part 2")
    assert (State.UNKNOWN, 1) in await states(light_monitor)
