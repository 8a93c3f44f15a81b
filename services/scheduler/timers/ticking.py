"""Fires timers: each tick once, whichever replica looks first, and by hand when somebody asks."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.scheduler.timers.store import TimerStore
from services.scheduler.timers.timer import Standing, Timer, due
from shared.clocks.clock import Clock
from shared.events.requests import TimerTriggerRequested
from shared.events.scheduler import TimerConfigured, TimerFired
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park

LOOK_EVERY = timedelta(minutes=1)
"""The longest time between two looks, whatever the clock says."""
AGAIN = timedelta(seconds=1)
"""When to look again after a failure."""
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)

log = structlog.get_logger()


@dataclass
class Ticker:
    """Looks what is due, and sleeps until the next tick."""

    store: TimerStore
    clock: Clock
    timers: Sequence[Timer]
    _is_configured: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Fire timers for ever."""
        while True:
            try:
                await self.configure()
                wake_at = await self.look()
            except Exception as error:
                log.warning("timers_not_looked_at", error=repr(error))
                wake_at = self.clock.now() + AGAIN
            await self._sleep_until(wake_at)

    async def configure(self) -> None:
        """Once, at the start: have the timers that are configured, and tell of them."""
        if self._is_configured:
            return
        now = self.clock.now()
        gone = await self.store.configure(self.timers, now)
        await self.tell()
        log.info("timers_configured", timers=[timer.name for timer in self.timers], gone=gone)
        self._is_configured = True

    async def tell_for_ever(self) -> None:
        """Tell of the timers again, ever more seldom: a console that is started later wants to know them too."""
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(pause.total_seconds())
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                await self.tell()
            except Exception as error:
                log.warning("timers_not_told", error=repr(error))

    async def tell(self) -> None:
        """Tell of the timers as they stand."""
        now, standings = self.clock.now(), await self.store.standings()
        await self.store.tell(_configured(standing, now) for standing in self._ours(standings))

    async def look(self) -> datetime:
        """Fire what is due; the instant of the next tick."""
        now = self.clock.now()
        for standing in self._ours(await self.store.standings()):
            if standing.is_far_ahead(now):
                log.warning("timer_counted_anew", timer=standing.timer.name, counted_to=standing.counted_to.isoformat())
                await self.store.count_from(standing, now)
            elif found := due(standing, now):
                event = _fired(standing.timer, found.tick_at, self.clock.now(), missed=found.missed)
                if await self.store.fire(standing, event):
                    log.info("timer_fired", timer=event.timer, tick_at=event.tick_at.isoformat(), missed=event.missed)
        return min((timer.next_after(now) for timer in self.timers), default=now + LOOK_EVERY)

    def _ours(self, standings: Sequence[Standing]) -> Iterator[Standing]:
        """Those that stand as this replica has them: one that was started later with others has the word."""
        return (standing for standing in standings if standing.timer in self.timers)

    async def _sleep_until(self, instant: datetime) -> None:
        """Sleep until the instant, or for a while where the clock is set back meanwhile."""
        try:
            async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                await self.clock.sleep_until(instant)
        except TimeoutError:
            return

    async def on_timer_trigger_requested(self, delivery: Delivery[TimerTriggerRequested]) -> None:
        """Fire a timer by hand."""
        name, now = delivery.event.timer, self.clock.now()
        timer = next((timer for timer in self.timers if timer.name == name), None)
        if timer is None:
            there_are = ", ".join(sorted(timer.name for timer in self.timers)) or "none: all are switched off"
            raise Park(f"there is no timer {name!r} to trigger; there are {there_are}")
        event = _fired(timer, now, now, manual=True)
        await self.store.fire_by_hand(event, inbox_id=delivery.inbox_id, correlation_id=delivery.correlation_id)


def _fired(timer: Timer, tick_at: datetime, now: datetime, *, manual: bool = False, missed: int = 0) -> TimerFired:
    return TimerFired(
        timer=timer.name,
        tick_at=tick_at,
        fired_at=now,
        manual=manual,
        missed=missed,
        next_at=timer.next_after(max(tick_at, now)),
        cron=timer.cron,
        zone=timer.zone,
    )


def _configured(standing: Standing, now: datetime) -> TimerConfigured:
    timer = standing.timer
    return TimerConfigured(
        timer=timer.name,
        configured_at=now,
        cron=timer.cron,
        zone=timer.zone,
        next_at=timer.next_after(now),
        last_tick_at=standing.last_tick_at,
    )
