"""Secret keys: the workspaces' targets are encrypted again, so that an old key can be dropped."""

from dataclasses import dataclass

import structlog

from services.monitor.store import Store
from shared.clocks.clock import Clock
from shared.events.keys import KeysRotated, KeysRotateRequested
from shared.messaging.envelope import Delivery
from shared.secrets.vault import UnreadableSecret, Vault

log = structlog.get_logger()


@dataclass(frozen=True)
class SecretKeys:
    """Looks after the keys of the targets."""

    store: Store
    vault: Vault
    clock: Clock
    service: str

    async def on_keys_rotate_requested(self, delivery: Delivery[KeysRotateRequested]) -> None:
        """Encrypt every workspace's targets with the first key, so that the others are not needed any more."""
        rotated, unreadable = 0, []
        for workspace_id in await self.store.workspace_ids():
            try:
                rotated += await self._rotate(workspace_id)
            except UnreadableSecret:
                unreadable.append(workspace_id)
        done = KeysRotated(
            service=self.service, rotated=rotated, unreadable=tuple(unreadable), changed_at=self.clock.now()
        )
        async with self.store.unit() as unit:
            await unit.tell(done, correlation_id=delivery.correlation_id)
        log.info("keys_rotated", rotated=rotated, unreadable=unreadable)

    async def _rotate(self, workspace_id: str) -> int:
        async with self.store.unit() as unit:
            row = await unit.workspace(workspace_id)
            if row is None:
                return 0
            await unit.save_workspace(dict(row) | {"targets": self.vault.rotate(row["targets"])})
        return 1
