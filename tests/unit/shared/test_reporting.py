"""Reports: one at once, one more soon after it, then one each minute, also after one that could not be sent."""

import asyncio
from typing import Any

from shared.messaging.broker import BrokerUnavailable, Outgoing
from shared.process.reporting import Reporting
from tests.simulation.virtual_time import VirtualLoop


class FakePublisher:
    """Notes when messages are sent; the first one cannot be."""

    def __init__(self) -> None:
        self.at: list[float] = []

    async def publish(self, _outgoing: Outgoing) -> None:
        self.at.append(round(asyncio.get_running_loop().time()))
        if len(self.at) == 1:
            raise BrokerUnavailable("it starts at the same time")


async def no_problems() -> dict[str, str]:
    return {}


def test_who_starts_at_the_same_time_hears_of_a_process_soon() -> None:
    publisher: Any = FakePublisher()
    reporting = Reporting("publisher", publisher, no_problems, None, ())

    async def two_minutes() -> None:
        running = asyncio.create_task(reporting.run())
        await asyncio.sleep(120)
        running.cancel()

    loop = VirtualLoop()
    loop.run_until_complete(two_minutes())
    loop.close()

    assert publisher.at == [0, 10, 70]
