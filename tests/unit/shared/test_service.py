"""A service that is asked to stop finishes what it has begun, whoever else is away."""

import asyncio
from pathlib import Path

from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.messaging.broker import Publisher
from shared.messaging.topology import Topology
from shared.process.service import CLOSE_SECONDS, Service, rabbit_broker

NOBODY = "amqp://guest:guest@127.0.0.1:1/"


async def test_work_at_hand_has_the_grace_that_is_left_when_there_is_no_broker_to_stop(tmp_path: Path) -> None:
    finished: list[str] = []

    async def finish() -> None:
        await asyncio.sleep(CLOSE_SECONDS * 1.3)
        finished.append("the work")

    async def close() -> None:
        finished.append("its connections")

    service = Service(
        name="test",
        database=Database(f"sqlite+aiosqlite:///{tmp_path}/x.db"),
        publisher=Publisher(NOBODY, app_id="test", clock=SystemClock()),
        broker=rabbit_broker(NOBODY, "test"),
        topology=Topology("test"),
        finishing=finish,
        closing=(close,),
    )

    await service._stop([])

    assert finished == ["the work", "its connections"]
