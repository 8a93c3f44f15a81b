"""Reacts to timers and the clock: refreshes, purges, the day's figures, and the look at everything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from services.maintenance import conditions
from services.maintenance.alerting import judge
from services.maintenance.broker_alert import BrokerAlert
from services.maintenance.conditions import QueueState
from services.maintenance.days import ONE, Day, days_to_add_up
from services.maintenance.decisions import Decisions
from services.maintenance.domain import Condition, Report
from services.maintenance.job_history import JobHistory
from services.maintenance.outcomes import Outcomes
from services.maintenance.store import Store
from shared.clocks.clock import Clock
from shared.events.maintenance import AnalyticsAggregated, RetentionPurgeRequested
from shared.events.publisher import AccountRefreshRequested
from shared.events.scheduler import TimerFired
from shared.jobs import Jobs
from shared.messaging.broker import BrokerUnavailable, QueueFigures
from shared.messaging.envelope import Delivery
from shared.messaging.topology import dead_queue

LOOK_EVERY = timedelta(seconds=10)
RECENTLY = timedelta(minutes=5)
STILL_CHANGING = 2 * ONE
"""For so long no fact of a day has been deleted, and some may come late: figures that changed are told again."""

log = structlog.get_logger()


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
        oldest = min(await self.outcomes.oldest_at() or now, now - ONE)
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


@dataclass(frozen=True)
class Watch:
    """Looks at everything every ten seconds, one replica at a time, and tells what should not be."""

    store: Store
    outcomes: Outcomes
    job_history: JobHistory
    decisions: Decisions
    queue_figures: Callable[[str], Awaitable[QueueFigures | None]]
    broker: BrokerAlert
    clock: Clock
    lateness_ms: float

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look_if_possible()
            except Exception as error:
                log.warning("watch_failed", error=repr(error))
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look_if_possible(self) -> None:
        """Look, or tell without the broker that it is away."""
        try:
            await self.look()
        except BrokerUnavailable as error:
            log.info("watch_postponed", error=str(error))
            await self.broker.is_away(str(error))
        else:
            await self.broker.is_back()

    async def look(self) -> None:
        """Compare what is with what was told, and tell the difference."""
        now = self.clock.now()
        found = await self.conditions(now)
        async with self.store.unit() as unit:
            looked_at = await unit.last_turn("watch")
            if not await unit.take_turn("watch", every=LOOK_EVERY / 2, now=now):
                return
            verdict = judge(await unit.alerts(), found, now, looked_at=looked_at)
            await unit.save_alerts(verdict.kept, verdict.forgotten)
            await unit.tell(*verdict.told)
        for alert in verdict.told:
            log.info("alert", code=alert.code, subject=alert.subject, state=alert.state, message=alert.message)

    async def conditions(self, now: datetime) -> list[Condition]:
        """Everything that should not be, as it is now; BrokerUnavailable where that cannot be seen."""
        reports = await self.store.reports()
        queues = [queue async for queue in self._queues(reports)]
        dead = {service: await self._depth(dead_queue(service)) for service in {one.service for one in reports}}
        return [
            *conditions.of_accounts(await self.store.accounts(), now),
            *conditions.of_jobs(await self.job_history.latest(), await self.job_history.latest_ended(), now),
            *conditions.of_services(reports, now),
            *conditions.of_queues(queues),
            *conditions.of_dead_letters(dead),
            *conditions.of_decisions(await self.decisions.waiting()),
            *conditions.of_lateness(await self.outcomes.lateness_since(now - RECENTLY), self.lateness_ms),
        ]

    async def _queues(self, reports: list[Report]) -> AsyncIterator[QueueState]:
        for service, name in sorted(set(_queues_of(reports))):
            figures = await self.queue_figures(name)
            if figures:
                yield QueueState(service, name, figures.messages, figures.consumers)

    async def _depth(self, queue: str) -> int:
        figures = await self.queue_figures(queue)
        return figures.messages if figures else 0


def _queues_of(reports: list[Report]) -> Iterator[tuple[str, str]]:
    """The queues each service says it has; what an older process of it said may be out of date."""
    newest: dict[str, Report] = {}
    for report in reports:
        if report.service not in newest or report.reported_at > newest[report.service].reported_at:
            newest[report.service] = report
    for service, report in newest.items():
        for queue in report.queues:
            yield service, queue
