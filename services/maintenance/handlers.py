"""Reacts to events: learns of accounts, outcomes, job runs and of how the services are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.maintenance.decisions import Decisions
from services.maintenance.domain import AccountFact, JobRun, Report, Standing, learned
from services.maintenance.job_history import JobHistory
from services.maintenance.outcomes import FAILED, PUBLISHED, UNKNOWN, Outcome, Outcomes
from services.maintenance.store import Store
from shared.clocks.clock import Clock
from shared.database.group_commit import GroupCommit
from shared.events.maintenance import JobFailed, JobReleased, JobSkipped, JobStarted, JobSucceeded, ServiceReported
from shared.events.progress import progress_of
from shared.events.publisher import (
    AccountConnected,
    AccountDisconnected,
    PublishFailed,
    PublishSucceeded,
    PublishUnknown,
)
from shared.messaging.envelope import Delivery

LINGER_SECONDS = 0.05
MOST_IN_A_GROUP = 1000
SAID_BY_A_PERSON = "resolved"
"""The class of the error where a person found that a post is not out."""


@dataclass
class Handlers:
    """Maintenance's reactions to what others tell."""

    store: Store
    outcomes: Outcomes
    job_history: JobHistory
    decisions: Decisions
    clock: Clock

    def __post_init__(self) -> None:
        self._group: GroupCommit[Outcome, None] = GroupCommit(
            self._learn, most=MOST_IN_A_GROUP, linger_seconds=LINGER_SECONDS
        )
        self._standings: GroupCommit[Standing, None] = GroupCommit(
            self.decisions.learn, most=MOST_IN_A_GROUP, linger_seconds=LINGER_SECONDS
        )

    async def on_account_fact(self, delivery: Delivery[AccountFact]) -> None:
        """Learn until when an account's access lasts; older news changes nothing."""
        async with self.store.unit() as unit:
            known = await unit.account_to_change(delivery.event.account_id)
            account = learned(known, delivery.event, self._at(delivery), now=self.clock.now())
            await unit.save_accounts([account] if account else [])
            if account and isinstance(delivery.event, AccountConnected | AccountDisconnected):
                until = min(account.changed_at, delivery.event.changed_at or account.changed_at)
                await self.outcomes.failures.forget(unit.connection, account.account_id, until)

    async def on_outcome(self, delivery: Delivery[PublishSucceeded | PublishFailed | PublishUnknown]) -> None:
        """Keep what became of a post, for the day's figures."""
        await self._group.submit(_outcome(delivery.event, self._at(delivery), now=self.clock.now()))
        await self.on_progress(delivery)

    async def on_progress(self, delivery: Delivery[Any]) -> None:
        """Keep whether a post waits for a person."""
        fact, progress = delivery.event, progress_of(delivery.event)
        if progress:
            key = fact.post_id, fact.account_id
            await self._standings.submit(Standing(key, progress, self._at(delivery)))

    async def on_job_started(self, delivery: Delivery[JobStarted]) -> None:
        """Keep that a job runs."""
        event = delivery.event
        await self.job_history.begin(
            JobRun(
                event.run_id,
                event.job,
                event.service,
                "running",
                self._at(delivery),
                period_seconds=event.period_seconds,
            )
        )

    async def on_job_ended(self, delivery: Delivery[JobSucceeded | JobFailed]) -> None:
        """Keep how a job ended."""
        await self.job_history.end(_ended(delivery.event, self._at(delivery)))

    async def on_job_released(self, delivery: Delivery[JobReleased]) -> None:
        """Keep that a run was given back: it is neither at work nor did it fail."""
        event, at = delivery.event, self._at(delivery)
        began_at = at - timedelta(milliseconds=event.duration_ms or 0)
        await self.job_history.end(
            JobRun(event.run_id, event.job, event.service, "released", began_at, at, event.duration_ms)
        )

    async def on_job_skipped(self, delivery: Delivery[JobSkipped]) -> None:
        """Keep that a tick was let pass."""
        event, at = delivery.event, self._at(delivery)
        run_id = f"skipped {event.job} {event.tick_at.isoformat()}"
        await self.job_history.begin(JobRun(run_id, event.job, event.service, "skipped", at, at, error=event.reason))

    async def on_service_reported(self, delivery: Delivery[ServiceReported]) -> None:
        """Keep how a process is."""
        event = delivery.event
        await self.store.save_report(
            Report(
                event.service,
                event.instance,
                self._at(delivery),
                event.outbox_age_seconds,
                event.problems,
                event.queues,
                event.up_seconds,
                event.overdue,
            )
        )

    async def _learn(self, group: Sequence[Outcome]) -> Sequence[None]:
        return await self.outcomes.learn(group)

    def _at(self, delivery: Delivery[Any]) -> datetime:
        """When it was told, as well as is known; nothing is told after it has arrived."""
        now = self.clock.now()
        return min(delivery.sent_at or now, now)


def _outcome(fact: PublishSucceeded | PublishFailed | PublishUnknown, at: datetime, *, now: datetime) -> Outcome:
    key = fact.post_id, fact.account_id, fact.revision
    match fact:
        case PublishSucceeded():
            published_at = min(fact.published_at, now)  # later only by a clock that was ahead
            return Outcome(*key, PUBLISHED, fact.attempts, fact.platform, published_at, fact.lateness_ms)
        case PublishFailed():
            error = None if fact.error.kind == SAID_BY_A_PERSON else fact.error
            return Outcome(*key, FAILED, fact.attempts, None, at, None, error)
        case PublishUnknown():
            return Outcome(*key, UNKNOWN, fact.attempts, None, at, None)


def _ended(event: JobSucceeded | JobFailed, at: datetime) -> JobRun:
    failed = isinstance(event, JobFailed)
    return JobRun(
        event.run_id,
        event.job,
        event.service,
        "failed" if failed else "succeeded",
        at - timedelta(milliseconds=event.duration_ms or 0),
        at,
        event.duration_ms,
        event.period_seconds,
        (event.error or "no reason was given") if isinstance(event, JobFailed) else None,
    )
