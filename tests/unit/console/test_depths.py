"""Looking for the depth of queues: not too often, and never for too long."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.console.depths import ABSENT_FOR, FRESH_FOR, SETTLED_AFTER, Depths
from shared.messaging.broker import BrokerUnavailable, QueueFigures
from tests.fakes.clock import FakeClock
from tests.support.waiting import eventually

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)
A_LITTLE = timedelta(milliseconds=1)


class Broker:
    """Has one queue, and remembers what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def figures(self, name: str) -> QueueFigures | None:
        self.asked.append(name)
        await self.answers.wait()
        if self.is_away:
            raise BrokerUnavailable("away")
        return QueueFigures(7, 1) if name == "there" else None


async def test_a_queue_is_asked_for_once_in_a_while_however_many_look() -> None:
    broker, clock = Broker(), FakeClock(NOW)
    depths = Depths(broker.figures, clock)

    for _ in range(3):
        assert await depths.of(["there", "there"]) == {"there": QueueFigures(7, 1)}
    assert broker.asked == ["there"]

    clock.advance(FRESH_FOR + A_LITTLE)
    await depths.of(["there"])
    assert broker.asked == ["there", "there"]


async def test_a_queue_that_is_not_there_is_asked_for_less_often() -> None:
    broker, clock = Broker(), FakeClock(NOW)
    depths = Depths(broker.figures, clock)

    assert await depths.of(["absent"]) == {"absent": None}
    clock.advance(ABSENT_FOR - A_LITTLE)
    await depths.of(["absent"])
    assert broker.asked == ["absent"]

    clock.advance(2 * A_LITTLE)
    await depths.of(["absent"])
    assert broker.asked == ["absent", "absent"]


async def test_a_broker_that_is_away_is_told_as_unknown() -> None:
    broker = Broker()
    broker.is_away = True

    assert await Depths(broker.figures, FakeClock(NOW)).of(["there"]) is None


async def test_who_asks_again_and_again_does_not_wait_for_the_broker() -> None:
    broker, clock = Broker(), FakeClock(NOW)
    depths = Depths(broker.figures, clock)
    await depths.lately(["there"])

    broker.answers.clear()
    clock.advance(FRESH_FOR + A_LITTLE)
    for _ in range(3):
        assert await depths.lately(["there"]) == {"there": QueueFigures(7, 1)}

    await eventually(lambda: broker.asked == ["there", "there"])


async def test_who_comes_after_a_while_waits_for_the_freshest_figures() -> None:
    broker, clock = Broker(), FakeClock(NOW)
    depths = Depths(broker.figures, clock)
    await depths.lately(["there"])
    clock.advance(FRESH_FOR + SETTLED_AFTER)

    broker.answers.clear()
    asking = asyncio.create_task(depths.lately(["there"]))
    await eventually(lambda: len(broker.asked) == 2)

    assert not asking.done()
    broker.answers.set()
    assert await asking == {"there": QueueFigures(7, 1)}


async def test_a_clock_that_is_set_back_keeps_no_figures_fresh() -> None:
    broker, clock = Broker(), FakeClock(NOW)
    depths = Depths(broker.figures, clock)
    await depths.lately(["there", "absent"])

    clock.advance(-timedelta(hours=1))
    await depths.lately(["there", "absent"])

    assert broker.asked == ["there", "absent"] * 2
