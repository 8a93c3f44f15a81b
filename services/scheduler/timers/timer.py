"""Timers: when they tick, and what of that is due. No I/O.

A cron expression that names hours means times of the day: one that the spring gap swallows comes at the first instant
after it, one that the autumn fold shows twice comes once, the first time. An expression whose hours are all means
every hour that passes, so clocks that are put back neither stop it nor hurry it. Where they are put forward by half an
hour (Lord Howe), what the minute hand leaps over comes at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from services.scheduler.timers.cron import MINUTE, BadCron, is_every_hour, understood
from shared.clocks.local_time import in_utc, reading_of, zone_named

MOST_COUNTED = 10_000
"""Missed ticks beyond this are not counted one by one."""
HOUR = timedelta(hours=1)
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
        plain = understood(self.cron)
        if self.zone == "UTC":
            yield from CronSim(plain, instant.astimezone(UTC))
            return
        zone = zone_named(self.zone)
        latest = instant.astimezone(zone)
        for tick in _every_hour(plain, latest):
            if tick.utcoffset() != latest.utcoffset():
                yield from _passed_over(plain, latest, tick, zone)
            yield tick.astimezone(UTC)
            latest = tick

    def _by_time_of_day(self, instant: datetime) -> Iterator[datetime]:
        zone, latest = zone_named(self.zone), instant
        for local in CronSim(understood(self.cron), instant.astimezone(zone).replace(tzinfo=None)):
            tick_at = in_utc(local, zone)
            if tick_at > latest:
                latest = tick_at
                yield tick_at


def _every_hour(plain: str, local: datetime) -> Iterator[datetime]:
    """The ticks of an expression whose hours are all.

    CronSim jumps to an hour's only minute, past one that clocks show again after a change by half an hour. With a
    second minute it walks.
    """
    minutes = CronSim(plain, local).minutes
    fields = plain.split()
    fields[MINUTE] = ",".join(str(minute) for one in minutes for minute in (one, (one + 30) % 60))
    return (tick for tick in CronSim(" ".join(fields), local) if tick.minute in minutes)


def _passed_over(plain: str, before: datetime, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The end of a gap between two instants, if the minute hand leapt over a tick there and none comes at its end.

    A gap of whole hours leaves the minute hand where it is: the ticks in it are those of hours that did not pass.
    """
    for local in CronSim(plain, before.replace(tzinfo=None)):
        if local >= after.replace(tzinfo=None):
            return
        gap_ends_at = in_utc(local, zone)
        if reading_of(local, zone) == "skipped" and _leap(local, zone) % HOUR and gap_ends_at < after:
            yield gap_ends_at
            return


def _leap(skipped: datetime, zone: ZoneInfo) -> timedelta:
    """By how much clocks are put forward over a time."""
    early, late = (skipped.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return late - early


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
