"""The clock never wakes anybody early, whatever the timers and the wall clock do."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import uvloop

from shared.clocks.clock import Clock, SystemClock
from tests.fakes.clock import FakeClock
from tests.support.waiting import LATE, PATIENCE

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


class ScriptedClock(SystemClock):
    """A wall clock that shows the given instants, one per look, then stays at the last."""

    def __init__(self, *instants: datetime) -> None:
        self.instants: Iterator[datetime] = iter(instants)
        self.shown = instants[0]

    def now(self) -> datetime:
        self.shown = next(self.instants, self.shown)
        return self.shown


def test_now_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


@pytest.mark.parametrize("delay_us", [0, 1, 200, 700, 1300, 4900, 20_400])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_sleeper_never_wakes_before_its_instant(new_loop: object, delay_us: int) -> None:
    async def wake_after() -> timedelta:
        clock = SystemClock()
        instant = clock.now() + timedelta(microseconds=delay_us)
        await clock.sleep_until(instant)
        return clock.now() - instant

    with asyncio.Runner(loop_factory=new_loop) as runner:  # type: ignore[arg-type]
        lateness = runner.run(wake_after())

    assert timedelta(0) <= lateness < LATE


async def test_an_instant_in_the_past_returns_at_once() -> None:
    async with asyncio.timeout(PATIENCE):
        await SystemClock().sleep_until(SystemClock().now() - timedelta(days=1))


async def test_an_instant_in_another_zone_is_the_same_instant() -> None:
    clock = FakeClock(NOON)

    await clock.sleep_until(datetime.fromisoformat("2027-03-28T14:00+02:00"))


async def test_a_wall_clock_set_forward_wakes_the_sleeper() -> None:
    clock = ScriptedClock(NOON, NOON + timedelta(days=2))

    async with asyncio.timeout(PATIENCE):
        await clock.sleep_until(NOON + timedelta(days=1))


async def test_a_wall_clock_set_back_lets_the_sleeper_wait_on() -> None:
    due = NOON + timedelta(milliseconds=2)
    clock = ScriptedClock(NOON, NOON - timedelta(milliseconds=5), NOON, due)

    await clock.sleep_until(due)

    assert clock.shown == due


async def test_the_fake_wakes_sleepers_in_the_order_of_their_instants() -> None:
    clock: FakeClock = FakeClock(NOON)
    woken: list[int] = []

    async def sleep(seconds: int) -> None:
        await clock.sleep_until(NOON + timedelta(seconds=seconds))
        woken.append(seconds)

    async with asyncio.TaskGroup() as sleepers:
        for seconds in (3, 1, 2):
            sleepers.create_task(sleep(seconds))
        await clock.until_asleep(3)
        clock.advance(timedelta(seconds=5))

    assert woken == [1, 2, 3]


async def test_the_fake_lets_those_not_yet_due_sleep_on() -> None:
    clock = FakeClock(NOON)
    sleeper = asyncio.create_task(clock.sleep_until(NOON + timedelta(seconds=2)))
    await clock.until_asleep()

    clock.advance(timedelta(seconds=1))
    await asyncio.wait([sleeper], timeout=0.01)
    assert not sleeper.done()

    clock.advance(timedelta(seconds=1))
    await sleeper


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock(NOON)], ids=["system", "fake"])
async def test_every_clock_keeps_the_protocol(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    await clock.sleep_until(clock.now())


async def test_a_wall_clock_set_back_keeps_nobody_who_waits_for_some_time() -> None:
    clock = ScriptedClock(NOON, NOON - timedelta(hours=1))

    async with asyncio.timeout(PATIENCE):
        await clock.sleep(timedelta(milliseconds=5))
