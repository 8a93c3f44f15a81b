"""Reacts to timers: asks for refreshes and purges, and tells the figures of days."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.maintenance.days import ONE, Day, days_to_add_up
from services.maintenance.outcomes import Outcomes
from services.maintenance.store import Store
from shared.clocks.clock import Clock
from shared.events.maintenance import AnalyticsAggregated, RetentionPurgeRequested
from shared.events.publisher import AccountRefreshRequested
from shared.events.scheduler import TimerFired
from shared.jobs import Jobs
from shared.messaging.envelope import Delivery

STILL_CHANGING = 2 * ONE
"""For so long no fact of a day has been deleted, and some may come late: figures that changed are told again."""

KEPT_FOR = 365 * ONE
"""For so long figures are kept: what seems to have come about earlier was told by a clock that had not been set."""


@dataclass(frozen=True)
class Timers:
    """What maintenance does when a timer fires, each as a job run."""

    jobs: Jobs
    store: Store
    outcomes: Outcomes
    clock: Clock
    zone: ZoneInfo
    retention: timedelta
    keep_succeeded: int
    keep_failed: int

    async def on_timer_fired(self, delivery: Delivery[TimerFired]) -> None:
        """Run the job of this name, if it is one of ours."""
        work = self._work().get(delivery.event.timer)
        if work:
            await self.jobs.run(delivery, work)

    def _work(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {
            "token.refresh_check": self.ask_for_refreshes,
            "retention.purge": self.ask_for_purge,
            "analytics.aggregate": self.add_up_days,
        }

    async def ask_for_refreshes(self) -> None:
        """Ask for new tokens where one ends soon and none is on its way."""
        now = self.clock.now()
        async with self.store.unit() as unit:
            ending = await unit.accounts_to_refresh(now)
            await unit.save_accounts([replace(account, refresh_asked_at=now) for account in ending])
            await unit.tell(*(AccountRefreshRequested(account_id=account.account_id) for account in ending))

    async def ask_for_purge(self) -> None:
        """Ask every service to delete what is older than the retention."""
        asked = RetentionPurgeRequested(
            before=self.clock.now() - self.retention,
            keep_succeeded=self.keep_succeeded,
            keep_failed=self.keep_failed,
        )
        async with self.store.unit() as unit:
            await unit.tell(asked)

    async def add_up_days(self) -> None:
        """Tell the figures of yesterday, of days missed, and of those that late facts have changed."""
        now, told = self.clock.now(), await self.outcomes.days_told()
        oldest = max(min(await self.outcomes.oldest_at() or now, now - ONE), now - KEPT_FOR)
        for day in days_to_add_up(oldest, now, self.zone):
            if day.name not in told or self._may_have_changed(day, oldest, now):
                await self.add_up(day)

    def _may_have_changed(self, day: Day, oldest: datetime, now: datetime) -> bool:
        """Whether facts of a day may have come late, and all of its earlier ones are still there."""
        return now - day.end < STILL_CHANGING or (oldest < day.start and now - day.end < self.retention)

    async def add_up(self, day: Day) -> None:
        """Tell a day's figures, unless they are as they were told before."""
        figures = await self.outcomes.figures(day)
        async with self.store.unit() as unit:
            kept = [account.model_dump_json(exclude_none=True) for account in figures]
            if await self.outcomes.save_day(unit.connection, day, kept, self.clock.now()):
                await unit.tell(AnalyticsAggregated(day=day.name, accounts=figures))
