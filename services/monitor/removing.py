"""Removing workspaces: nothing is watched for them any more, and whom they told is forgotten."""

from dataclasses import dataclass

import structlog

from services.monitor.store import Store
from services.monitor.workspaces import is_older, later_of, made_at
from shared.clocks.clock import Clock
from shared.events.monitor import WorkspaceRejected, WorkspaceRemoved
from shared.events.requests import WorkspaceRemoveRequested
from shared.messaging.envelope import Delivery

CONFIGURED_SINCE = "it was configured anew since its removal was asked for; it stays"

log = structlog.get_logger()


@dataclass(frozen=True)
class Removing:
    """Removes workspaces."""

    store: Store
    clock: Clock

    async def on_workspace_remove_requested(self, delivery: Delivery[WorkspaceRemoveRequested]) -> None:
        """Remove the workspace and what was found for it, unless it was configured since that was asked for."""
        workspace_id, now = delivery.event.workspace_id, self.clock.now()
        asked_at = delivery.event.requested_at or now
        async with self.store.unit() as unit:
            if not await unit.remember(delivery.inbox_id, now):
                return
            latest = await unit.latest_request(workspace_id, now)
            answer: WorkspaceRejected | WorkspaceRemoved
            made = made_at(asked_at, now)
            if is_older(made, latest) and await unit.workspace(workspace_id):
                answer = WorkspaceRejected(workspace_id=workspace_id, reason=CONFIGURED_SINCE, decided_at=now)
            else:
                await unit.remove_workspace(workspace_id)
                await unit.save_request(workspace_id, later_of(made, latest), now)
                answer = WorkspaceRemoved(workspace_id=workspace_id, removed_at=made or now, decided_at=now)
            await unit.tell(answer, correlation_id=delivery.correlation_id)
        log.info("workspace_removal_answered", workspace_id=workspace_id, answer=answer.type)
