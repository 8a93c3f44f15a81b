"""Looks at everything every ten seconds, and tells what should not be."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.maintenance import conditions, post_conditions
from services.maintenance.alerting import judge
from services.maintenance.broker_alert import BrokerAlert
from services.maintenance.conditions import QueueState
from services.maintenance.decisions import Decisions
from services.maintenance.domain import Condition, Report
from services.maintenance.job_history import JobHistory
from services.maintenance.outcomes import Outcomes
from services.maintenance.store import Store
from shared.connections.failures import why_not_reached
from shared.messaging.broker import BrokerUnavailable, QueueFigures, QueuesFail
from shared.messaging.topology import dead_queue

LOOK_EVERY = timedelta(seconds=10)
RECENTLY = timedelta(minutes=5)

log = structlog.get_logger()


@dataclass(frozen=True)
class Watch:
    """Looks at everything every ten seconds, one replica at a time, and tells what should not be."""

    store: Store
    outcomes: Outcomes
    job_history: JobHistory
    decisions: Decisions
    queue_figures: Callable[[str], Awaitable[QueueFigures | None]]
    try_publishing: Callable[[], Awaitable[None]]
    broker: BrokerAlert
    now: Callable[[], Awaitable[datetime]]
    """By one clock for all replicas: each goes on where another has looked."""
    lateness_ms: float
    failing_posts: int

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
            await self.try_publishing()
            await self.look()
        except BrokerUnavailable as error:
            log.info("watch_postponed", error=str(error))
            await self.broker.is_away(_why(error))
        else:
            await self.broker.is_back()

    async def look(self) -> None:
        """Compare what is with what was told, and tell the difference."""
        now = await self.now()
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
            *conditions.of_short_lives(await self.store.short_lives(now)),
            *conditions.of_queues(queues),
            *conditions.of_dead_letters(dead),
            *post_conditions.of_decisions(await self.decisions.waiting()),
            *post_conditions.of_failures(await self.outcomes.failures.failing(), self.failing_posts),
            *post_conditions.of_overdue(reports, now),
            *post_conditions.of_lateness(await self.outcomes.lateness_since(now - RECENTLY), self.lateness_ms),
        ]

    async def _queues(self, reports: list[Report]) -> AsyncIterator[QueueState]:
        for service, name in sorted(set(_queues_of(reports))):
            figures = await self.queue_figures(name)
            if figures:
                yield QueueState(service, name, figures.messages, figures.consumers)

    async def _depth(self, queue: str) -> int:
        figures = await self.queue_figures(queue)
        return figures.messages if figures else 0


def _why(error: BrokerUnavailable) -> str:
    return str(error) if isinstance(error, QueuesFail) else why_not_reached(error) or "its connection broke"


def _queues_of(reports: list[Report]) -> Iterator[tuple[str, str]]:
    """The queues each service says it has; what an older process of it said may be out of date."""
    newest: dict[str, Report] = {}
    for report in reports:
        if report.service not in newest or report.reported_at > newest[report.service].reported_at:
            newest[report.service] = report
    for service, report in newest.items():
        for queue in report.queues:
            yield service, queue
