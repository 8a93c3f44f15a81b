"""Reacts to events: workspaces are kept as they are configured, and timers start the monitor's jobs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from services.monitor.domain import InvalidWorkspace
from services.monitor.store import Store
from services.monitor.workspaces import CheckTarget, checked_row, is_older
from shared.clocks.clock import Clock
from shared.events.requests import WorkspaceConfigured
from shared.events.scheduler import TimerFired
from shared.jobs import Jobs
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park
from shared.secrets.sealing import SealingKey
from shared.secrets.vault import Vault

Job = Callable[[str], Awaitable[None]]
"""A job's work, told the correlation id of the tick."""

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
        """Keep the workspace as it is to be, or park the message with what is wrong."""
        event, now = delivery.event, self.clock.now()
        async with self.store.unit() as unit:
            if not await unit.remember(delivery.message_id, now):
                return
            previous = await unit.workspace(event.workspace_id)
            if is_older(event, previous):
                log.info("workspace_overtaken", workspace_id=event.workspace_id)
                return
            try:
                row = checked_row(
                    event, previous, key=self.sealing_key, vault=self.vault, check_target=self.check_target, now=now
                )
            except InvalidWorkspace as error:
                raise Park(f"workspace {event.workspace_id!r}: {error}") from error
            await unit.save_workspace(row)
        log.info("workspace_configured", workspace_id=event.workspace_id, enabled=event.monitoring_enabled)

    async def on_timer_fired(self, delivery: Delivery[TimerFired]) -> None:
        """Run the job of the timer, if it is the monitor's."""
        work = self.work.get(delivery.event.timer)
        if work:
            await self.jobs.run(delivery, lambda: work(delivery.correlation_id))
