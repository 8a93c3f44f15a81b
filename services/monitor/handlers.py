"""Reacts to events: workspaces are kept as they are configured, and timers start the monitor's jobs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.monitor.domain import InvalidWorkspace
from services.monitor.store import Store
from services.monitor.unreadable import answer_to_unreadable
from services.monitor.workspaces import Checked, CheckTarget, checked, is_older, later_of, made_at, row_of
from shared.clocks.clock import Clock
from shared.events.monitor import WorkspaceAccepted, WorkspaceRejected
from shared.events.requests import WorkspaceConfigured
from shared.events.scheduler import TimerFired
from shared.jobs import Jobs
from shared.messaging.envelope import Delivery, UnreadableEvent
from shared.secrets.sealing import SealingKey
from shared.secrets.vault import Vault

Job = Callable[[str], Awaitable[None]]
"""A job's work, told the correlation id of the tick."""

OVERTAKEN = "it was configured anew since this was asked for; what is there stays"
REMOVED_SINCE = "it was removed since this was asked for; configure it again if it is wanted"

log = structlog.get_logger()


@dataclass(frozen=True)
class Handlers:
    """The monitor's reactions; `work` has what is done at which timer."""

    store: Store
    vault: Vault
    sealing_key: SealingKey
    check_target: CheckTarget
    clock: Clock
    jobs: Jobs
    work: Mapping[str, Job]

    async def on_workspace_configured(self, delivery: Delivery[WorkspaceConfigured]) -> None:
        """Watch the workspace as it is to be from now on, or answer what is wrong with it."""
        try:
            workspace = await asyncio.to_thread(
                checked, delivery.event, key=self.sealing_key, check_target=self.check_target
            )
        except InvalidWorkspace as error:
            await self._reject(delivery, str(error))
        else:
            await self._accept(delivery, workspace)

    async def on_unreadable(self, error: UnreadableEvent, correlation_id: str) -> bool:
        """Answer a workspace that is no valid event; False where nobody can be answered."""
        rejection = answer_to_unreadable(error.type, error.body, error.reason)
        if rejection is None:
            return False
        async with self.store.unit() as unit:
            await unit.tell(rejection, correlation_id=correlation_id)
        log.warning("workspace_rejected", workspace_id=rejection.workspace_id, reason=rejection.reason)
        return True

    async def _accept(self, delivery: Delivery[WorkspaceConfigured], workspace: Checked) -> None:
        event, now = delivery.event, self.clock.now()
        accepted = WorkspaceAccepted(workspace_id=event.workspace_id, configured_at=event.configured_at, decided_at=now)
        async with self.store.unit() as unit:
            if not await unit.remember(delivery.inbox_id, now):
                return
            latest = await unit.latest_request(event.workspace_id, now)
            previous = await unit.workspace(event.workspace_id)
            asked_at = made_at(event.configured_at, now)
            if is_older(asked_at, latest):
                reason = OVERTAKEN if previous else REMOVED_SINCE
                await unit.tell(_rejected(event, reason, now), correlation_id=delivery.correlation_id)
                return
            await unit.save_request(event.workspace_id, later_of(asked_at, latest), now)
            await unit.save_workspace(row_of(workspace, previous, vault=self.vault, now=now))
            await unit.tell(accepted, correlation_id=delivery.correlation_id)
        log.info("workspace_accepted", workspace_id=event.workspace_id, enabled=event.monitoring_enabled)

    async def _reject(self, delivery: Delivery[WorkspaceConfigured], reason: str) -> None:
        event, now = delivery.event, self.clock.now()
        async with self.store.unit() as unit:
            if not await unit.remember(delivery.inbox_id, now):
                return
            await unit.tell(_rejected(event, reason, now), correlation_id=delivery.correlation_id)
        log.warning("workspace_rejected", workspace_id=event.workspace_id, reason=reason)

    async def on_timer_fired(self, delivery: Delivery[TimerFired]) -> None:
        """Run the job of the timer, if it is the monitor's."""
        work = self.work.get(delivery.event.timer)
        if work:
            await self.jobs.run(delivery, lambda: work(delivery.correlation_id))


def _rejected(event: WorkspaceConfigured, reason: str, now: datetime) -> WorkspaceRejected:
    return WorkspaceRejected(
        workspace_id=event.workspace_id, reason=reason, configured_at=event.configured_at, decided_at=now
    )
