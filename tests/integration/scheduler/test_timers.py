"""Timers at their database: every tick fires once, whatever replicas and clocks do, and the missed ones in one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduler.timers.store import KEPT_TICKS
from services.scheduler.timers.ticking import Ticker
from services.scheduler.timers.timer import Timer
from shared.messaging.verdict import Park
from tests.support.ticking import CHECK, DAILY, NOON, Clockwork
from tests.support.waiting import eventually

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def clockwork(database_url: str) -> AsyncIterator[Clockwork]:
    async with Clockwork.on(database_url) as clockwork:
        yield clockwork


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[Clockwork]]:
    """Three replicas with one clock on one database."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(Clockwork.on(database_url))
        others = [await stack.enter_async_context(Clockwork.on(database_url, one.clock)) for _ in range(2)]
        yield [one, *others]


async def test_a_timer_fires_at_its_tick_and_says_when_it_will_again(clockwork: Clockwork) -> None:
    assert await clockwork.ticker.look() == NOON + 5 * MINUTE
    assert await clockwork.fired() == []

    clockwork.clock.advance(5 * MINUTE + timedelta(milliseconds=3))
    wake_at = await clockwork.ticker.look()

    (event,) = await clockwork.fired()
    assert (event.timer, event.tick_at, event.fired_at) == (CHECK.name, NOON + 5 * MINUTE, clockwork.clock.now())
    assert (event.manual, event.missed) == (False, 0)
    assert (event.cron, event.zone, event.next_at) == (CHECK.cron, "UTC", NOON + 10 * MINUTE)
    assert wake_at == NOON + 10 * MINUTE


async def test_a_new_timer_does_not_fire_for_the_past(clockwork: Clockwork) -> None:
    for _ in range(3):
        await clockwork.ticker.look()

    assert await clockwork.fired() == []


async def test_of_many_looks_at_one_tick_one_fires(replicas: list[Clockwork]) -> None:
    for _ in range(4):
        replicas[0].clock.advance(5 * MINUTE)
        await asyncio.gather(*(one.ticker.look() for one in (*replicas, *replicas)))

    assert await replicas[0].ticks() == [NOON + number * 5 * MINUTE for number in range(1, 5)]


async def test_missed_ticks_come_as_one_that_counts_them(clockwork: Clockwork) -> None:
    clockwork.clock.advance(timedelta(hours=13, minutes=2))
    await clockwork.ticker.look()

    by_name = {event.timer: (event.tick_at, event.missed) for event in await clockwork.fired()}
    assert by_name == {
        CHECK.name: (NOON + 13 * HOUR, 13 * 12 - 1),
        DAILY.name: (NOON + 12 * HOUR, 0),
    }


async def test_a_replica_that_paused_in_the_middle_fires_nothing_that_has_fired(replicas: list[Clockwork]) -> None:
    """Longer than any lease: it has read that a tick is due, and goes on when everything else has moved on."""
    one, other, _ = replicas
    one.clock.advance(5 * MINUTE)
    seen = await one.store.standings()
    for _ in range(3):
        await other.ticker.look()
        one.clock.advance(5 * MINUTE)
    before = await one.fired()

    for standing, event in zip([one for one in seen if one.timer == CHECK], before[:1], strict=True):
        assert not await one.store.fire(standing, event)

    assert await one.fired() == before


async def test_a_clock_that_is_set_back_fires_no_tick_twice(clockwork: Clockwork) -> None:
    clockwork.clock.advance(5 * MINUTE)
    await clockwork.ticker.look()

    clockwork.clock.advance(-HOUR)
    for _ in range(13):
        await clockwork.ticker.look()
        clockwork.clock.advance(5 * MINUTE)
    await clockwork.ticker.look()

    assert await clockwork.ticks() == [NOON + 5 * MINUTE, NOON + 10 * MINUTE]


async def test_a_clock_that_is_set_forward_and_back_again_fires_no_tick_twice(clockwork: Clockwork) -> None:
    clockwork.clock.advance(HOUR)
    await clockwork.ticker.look()

    clockwork.clock.advance(-HOUR)
    for _ in range(13):
        clockwork.clock.advance(5 * MINUTE)
        await clockwork.ticker.look()

    assert await clockwork.ticks() == [NOON + HOUR, NOON + HOUR + 5 * MINUTE]
    assert (await clockwork.fired())[0].missed == 11


async def test_a_clock_that_was_years_ahead_silences_nothing(clockwork: Clockwork) -> None:
    clockwork.clock.advance(3000 * DAY)
    await clockwork.ticker.look()

    clockwork.clock.advance(-3000 * DAY)
    await clockwork.ticker.look()
    clockwork.clock.advance(5 * MINUTE)
    await clockwork.ticker.look()

    assert NOON + 5 * MINUTE in await clockwork.ticks()


async def test_a_tick_that_fired_while_the_clock_was_days_ahead_fires_when_its_time_has_come(
    clockwork: Clockwork,
) -> None:
    clockwork.clock.advance(2 * DAY)
    await clockwork.ticker.look()

    clockwork.clock.advance(-2 * DAY)
    await clockwork.ticker.look()
    for _ in range(2):
        clockwork.clock.advance(DAY)
        await clockwork.ticker.look()

    assert await clockwork.ticks(DAILY.name) == [NOON + 12 * HOUR, NOON + 36 * HOUR, NOON + 36 * HOUR]
    assert (await clockwork.ticks(CHECK.name)).count(NOON + 2 * DAY) == 2


async def test_a_tick_that_fired_before_the_clock_was_wrong_fires_no_second_time(clockwork: Clockwork) -> None:
    clockwork.clock.advance(5 * MINUTE)
    await clockwork.ticker.look()
    clockwork.clock.advance(2 * DAY)
    await clockwork.ticker.look()

    clockwork.clock.advance(-2 * DAY - 3 * MINUTE)
    await clockwork.ticker.look()
    clockwork.clock.advance(3 * MINUTE)
    await clockwork.ticker.look()

    assert (await clockwork.ticks()).count(NOON + 5 * MINUTE) == 1


async def test_a_timer_that_ticks_by_another_expression_counts_anew(database_url: str) -> None:
    often = replace(CHECK, cron="*/2 * * * *")
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(Clockwork.on(database_url, timers=[CHECK]))
        old.clock.advance(4 * MINUTE)
        new = await stack.enter_async_context(Clockwork.on(database_url, old.clock, timers=[often]))

        await new.ticker.look()
        old.clock.advance(MINUTE)
        await old.ticker.look()
        old.clock.advance(MINUTE)
        await new.ticker.look()

        assert await new.ticks() == [NOON + 6 * MINUTE], "the old expression has no say any more"


async def test_a_restart_changes_nothing_for_timers_that_stay(database_url: str) -> None:
    async with Clockwork.on(database_url) as first:
        clock = first.clock
    clock.advance(11 * MINUTE)

    async with Clockwork.on(database_url, clock) as second:
        await second.ticker.look()

        (event,) = await second.fired()
        assert (event.tick_at, event.missed) == (NOON + 10 * MINUTE, 1)


async def test_a_timer_that_is_gone_is_told_and_fires_no_more(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(Clockwork.on(database_url))
        new = await stack.enter_async_context(Clockwork.on(database_url, old.clock, timers=[DAILY]))
        old.clock.advance(5 * MINUTE)

        await old.ticker.look()
        await new.ticker.look()

        assert await new.fired() == []
        assert [event.timer for event in await new.configured() if event.cron is None] == [CHECK.name]


async def test_a_timer_that_is_gone_is_told_though_its_scheduler_dies_before_it_tells_of_the_others(
    database_url: str,
) -> None:
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(Clockwork.on(database_url))

        await old.store.configure([DAILY], old.clock.now())

        assert [event.timer for event in await old.configured() if event.cron is None] == [CHECK.name]


async def test_every_timer_is_told_of_at_the_start(clockwork: Clockwork) -> None:
    await clockwork.ticker.configure()

    told = {event.timer: event for event in await clockwork.configured()}
    assert len(await clockwork.configured()) == len(told)
    assert set(told) == {CHECK.name, DAILY.name}
    assert (told[DAILY.name].cron, told[DAILY.name].zone) == (DAILY.cron, "UTC")
    assert (told[DAILY.name].next_at, told[DAILY.name].last_tick_at) == (NOON + 12 * HOUR, None)


async def test_where_all_timers_are_switched_off_nothing_fires(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(Clockwork.on(database_url))
        silent = await stack.enter_async_context(Clockwork.on(database_url, timers=[]))
        silent.clock.advance(DAY)

        await silent.ticker.look()

        assert await silent.fired() == []
        assert await silent.store.standings() == []


async def test_a_timer_fires_by_hand_for_who_asked(clockwork: Clockwork) -> None:
    await clockwork.trigger(DAILY.name, correlation_id="asked")

    (event,) = await clockwork.fired()
    assert (event.timer, event.tick_at, event.manual, event.missed) == (DAILY.name, NOON, True, 0)
    assert event.next_at == NOON + 12 * HOUR


async def test_a_request_that_comes_again_fires_nothing(clockwork: Clockwork) -> None:
    for _ in range(3):
        await clockwork.trigger(DAILY.name, message_id="m-1")

    assert len(await clockwork.fired()) == 1


async def test_two_requests_in_one_instant_are_two_ticks(clockwork: Clockwork) -> None:
    await clockwork.trigger(DAILY.name)
    await clockwork.trigger(DAILY.name)

    assert len(set(await clockwork.ticks(DAILY.name))) == 2


async def test_a_timer_fired_by_hand_still_fires_at_its_tick(clockwork: Clockwork) -> None:
    clockwork.clock.advance(4 * MINUTE)
    await clockwork.trigger(CHECK.name)
    clockwork.clock.advance(MINUTE)
    await clockwork.ticker.look()

    assert [event.manual for event in await clockwork.fired()] == [True, False]


async def test_an_unknown_timer_is_refused_with_those_there_are(clockwork: Clockwork) -> None:
    with pytest.raises(Park) as refused:
        await clockwork.trigger("tea.time")

    assert refused.value.reason == (
        "there is no timer 'tea.time' to trigger; there are analytics.aggregate, monitor.check"
    )


async def test_old_ticks_are_forgotten(database_url: str) -> None:
    every_second = Timer("beat", "* * * * * *")
    async with Clockwork.on(database_url, timers=[every_second]) as clockwork:
        for _ in range(KEPT_TICKS + 10):
            clockwork.clock.advance(timedelta(seconds=1))
            await clockwork.ticker.look()

        assert await clockwork.remembered() == KEPT_TICKS
        assert len(await clockwork.fired()) == KEPT_TICKS + 10


async def test_the_ticker_sleeps_until_the_next_tick_and_survives_a_database_that_is_away(
    clockwork: Clockwork,
) -> None:
    flaky = Flaky(clockwork)
    running = asyncio.create_task(Ticker(flaky, clockwork.clock, (CHECK, DAILY)).run())  # type: ignore[arg-type]
    await clockwork.clock.until_asleep()
    flaky.is_away = True
    clockwork.clock.advance(5 * MINUTE)
    await flaky.has_refused.wait()
    await clockwork.clock.until_asleep()
    flaky.is_away = False
    clockwork.clock.advance(timedelta(seconds=1))

    await eventually(clockwork.fired, what="the tick fires when the database is back")

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await clockwork.ticks() == [NOON + 5 * MINUTE]


class Flaky:
    """A store whose database is away while it is told to."""

    def __init__(self, clockwork: Clockwork) -> None:
        self.is_away = False
        self.has_refused = asyncio.Event()
        self._store = clockwork.store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def standings(self) -> object:
        if self.is_away:
            self.has_refused.set()
            raise ConnectionError("away")
        return await self._store.standings()
