"""`digest.send`: each workspace's mentions of the day, once, at its own time."""

import json
from dataclasses import dataclass

import structlog
from sqlalchemy import RowMapping

from services.monitor.checking import requests
from services.monitor.domain import due_digest
from services.monitor.store import Store, digest_of, notification
from services.monitor.writing import MOST_PARTS
from shared.clocks.clock import Clock
from shared.events.monitor import DigestSent
from shared.jobs.failures import why_failed
from shared.messaging.envelope import Envelope

MOST_NAMED = 10

log = structlog.get_logger()


class DigestsFailed(Exception):
    """Some workspaces' digests could not be settled."""


@dataclass(frozen=True)
class Digesting:
    """Settles digests; `notifications_queue` is where their notifications are sent."""

    store: Store
    clock: Clock
    notifications_queue: str

    async def send_due(self, correlation_id: str) -> None:
        """Settle every digest that is due; one that fails does not stop the others."""
        failed: dict[str, str] = {}
        for row in await self.store.with_digest():
            try:
                if self._due_day(row):
                    await self._settle(row["workspace_id"], correlation_id)
            except Exception as error:
                log.warning("digest_failed", workspace_id=row["workspace_id"], exc_info=error)
                failed[row["workspace_id"]] = why_failed(error, "monitor")
        if failed:
            names = ", ".join(map(repr, list(failed)[:MOST_NAMED]))
            first = next(iter(failed.values()))
            raise DigestsFailed(
                f"{len(failed)} digests could not be settled: {names}; the first because of this: {first}"
            )

    def _due_day(self, row: RowMapping) -> str | None:
        digest = digest_of(row["digest"])
        if digest is None:
            return None
        now = self.clock.now()
        return due_digest(digest, since=row["digest_since"] or now, last_day=row["last_digest_day"], now=now)

    async def _settle(self, workspace_id: str, correlation_id: str) -> None:
        """Decide again on what the transaction sees; a day without mentions or targets is settled silently."""
        now = self.clock.now()
        async with self.store.unit() as unit:
            row = await unit.workspace(workspace_id)
            day = self._due_day(row) if row else None
            if row is None or day is None:
                return
            taken = await unit.take_into_digest(workspace_id, day)
            targets = json.loads(row["target_ids"])
            if not taken or not targets:
                return
            planned = [
                notification(workspace_id, target, now, day=day, part=part)
                for part in range(1, MOST_PARTS + 1)
                for target in targets
            ]
            await unit.forget_notifications(planned)  # of another workspace of this name, which was removed today
            to_send = await unit.add_notifications(planned[: len(targets)])
            fact = DigestSent(workspace_id=workspace_id, day=day, mentions=taken)
            told = Envelope.of(fact, correlation_id=correlation_id)
            await unit.emit([told, *requests(to_send, self.notifications_queue, correlation_id)])
        log.info("digest_settled", workspace_id=workspace_id, day=day, mentions=taken)
