"""Timers in the read model: as they were told of last, however late or often the news comes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.console.read_model.timers import KnownTimer
from shared.events.scheduler import TimerConfigured, TimerFired
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def configured(at: datetime = NOON, **changes: Any) -> TimerConfigured:
    usual = {"timer": "monitor.check", "configured_at": at, "cron": "*/5 * * * *", "zone": "UTC"}
    return TimerConfigured(**{**usual, "next_at": at + 5 * MINUTE, **changes})


def fired(at: datetime, **changes: Any) -> TimerFired:
    usual = {"timer": "monitor.check", "tick_at": at, "fired_at": at, "manual": False, "missed": 0}
    return TimerFired(**{**usual, "next_at": at + 5 * MINUTE, **changes})


async def told(read_model: ReadModel, *events: TimerConfigured | TimerFired) -> list[KnownTimer]:
    """What is known when these events have come."""
    for event in events:
        if isinstance(event, TimerConfigured):
            await read_model.projector.on_timer_configured(Delivery(event, None, "c"))
        else:
            await read_model.projector.on_timer_fired(Delivery(event, None, "c"))
    return list(await read_model.queries.timers.known())


async def test_a_timer_is_known_before_it_has_fired(read_model: ReadModel) -> None:
    known = await told(read_model, configured(last_tick_at=NOON - MINUTE))

    assert known == [KnownTimer("monitor.check", "*/5 * * * *", "UTC", NOON + 5 * MINUTE, NOON - MINUTE, None, None)]


async def test_the_latest_news_counts_in_whatever_order_it_comes(read_model: ReadModel) -> None:
    news: list[TimerConfigured | TimerFired] = [
        configured(),
        fired(NOON + 5 * MINUTE),
        fired(NOON + 10 * MINUTE, missed=3),
    ]

    first = await told(read_model, *news)
    again = await told(read_model, *reversed(news), *news)

    assert first == again
    assert (first[0].next_at, first[0].last_tick_at) == (NOON + 15 * MINUTE, NOON + 10 * MINUTE)
    assert (first[0].last_was_manual, first[0].last_missed) == (False, 3)


async def test_a_timer_that_was_configured_anew_ticks_next_as_it_says_now(read_model: ReadModel) -> None:
    anew = configured(NOON + 6 * MINUTE, cron="0 0 * * *", next_at=NOON + timedelta(hours=12))

    (timer,) = await told(read_model, configured(), fired(NOON + 5 * MINUTE), anew)

    assert (timer.cron, timer.next_at) == ("0 0 * * *", NOON + timedelta(hours=12))
    assert timer.last_tick_at == NOON + 5 * MINUTE


async def test_a_timer_that_is_gone_is_listed_no_more(read_model: ReadModel) -> None:
    gone = TimerConfigured(timer="monitor.check", configured_at=NOON + MINUTE)

    assert await told(read_model, configured(), fired(NOON + 5 * MINUTE), gone) == []
    assert len(await told(read_model, configured(NOON + 2 * MINUTE))) == 1


async def test_what_is_told_twice_at_once_is_known_once(read_model: ReadModel) -> None:
    assert len(await told(read_model, configured(), configured(), configured(timer="digest.send"))) == 2
