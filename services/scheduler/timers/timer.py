"""Timers: when they tick, and what of that is due. No I/O.

A cron expression that names hours means times of the day: one that the spring gap swallows comes at the first instant
after it, one that the autumn fold shows twice comes once, the first time. An expression whose hours are all means
every hour that passes, so clocks that are put back neither stop it nor hurry it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from services.scheduler.timers.cron import BadCron, is_every_hour, understood
from shared.clocks.local_time import in_utc, zone_named

MOST_COUNTED = 10_000
"""Missed ticks beyond this are not counted one by one."""
LONGEST_STEP_BACK = timedelta(days=1)
"""A clock that was further ahead was wrong about the day: nobody waits until it is right again."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A name, and when it ticks."""

    name: str
    cron: str
    zone: str = "UTC"

    def ticks_after(self, instant: datetime) -> Iterator[datetime]:
        """Every tick after an instant, in UTC."""
        if is_every_hour(understood(self.cron)):
            return self._by_passing_time(instant)
        return self._by_time_of_day(instant)

    def next_after(self, instant: datetime) -> datetime:
        """The first tick after an instant."""
        for tick_at in self.ticks_after(instant):
            return tick_at
        raise BadCron(f"{self.cron!r} never comes")

    def _by_passing_time(self, instant: datetime) -> Iterator[datetime]:
        local = instant.astimezone(UTC if self.zone == "UTC" else zone_named(self.zone))
        return (tick.astimezone(UTC) for tick in CronSim(understood(self.cron), local))

    def _by_time_of_day(self, instant: datetime) -> Iterator[datetime]:
        zone, latest = zone_named(self.zone), instant
        for local in CronSim(understood(self.cron), instant.astimezone(zone).replace(tzinfo=None)):
            tick_at = in_utc(local, zone)
            if tick_at > latest:
                latest = tick_at
                yield tick_at


def checked(timer: Timer) -> Timer:
    """The timer, if it has a cron expression that comes and a zone that there is; else BadCron or UnknownZone."""
    zone_named(timer.zone)
    try:
        timer.next_after(datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise BadCron(f"{timer.cron!r} never comes") from error
    return timer


@dataclass(frozen=True, slots=True)
class Standing:
    """A timer as the database has it: ticks have been dealt with up to `counted_to`."""

    timer: Timer
    counted_to: datetime
    last_tick_at: datetime | None = None

    def is_far_ahead(self, now: datetime) -> bool:
        """Whether it was counted under a clock that was wrong."""
        return self.counted_to > now + LONGEST_STEP_BACK


@dataclass(frozen=True, slots=True)
class Due:
    """The latest tick that is due, and how many before it nobody fired."""

    tick_at: datetime
    missed: int


def due(standing: Standing, now: datetime) -> Due | None:
    """What is to be fired now, all missed ticks in one."""
    latest, count = None, 0
    for tick_at in standing.timer.ticks_after(standing.counted_to):
        if tick_at > now:
            break
        latest, count = tick_at, count + 1
        if count > MOST_COUNTED:
            latest = _latest(standing.timer, now)
            break
    return Due(latest, count - 1) if latest else None


def _latest(timer: Timer, now: datetime) -> datetime:
    """The last tick up to now, looked for ever further back."""
    span = timedelta(minutes=1)
    while True:
        ticks = list(_until(timer.ticks_after(now - span), now))
        if ticks:
            return ticks[-1]
        span *= 2


def _until(ticks: Iterable[datetime], now: datetime) -> Iterator[datetime]:
    for tick_at in ticks:
        if tick_at > now:
            return
        yield tick_at
