"""Retention: a service's answer when it is asked to delete what is old."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from shared.database.purging import Purge, Rule
from shared.events.maintenance import RetentionPurged, RetentionPurgeRequested
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.topology import Queue
from shared.messaging.verdict import HandBack

log = structlog.get_logger()


def queue_of(service: str) -> Queue:
    """Where a service is asked to delete its old rows."""
    return Queue(service, f"{service}.retention", (RetentionPurgeRequested.type,))


@dataclass(frozen=True)
class Retention:
    """A service's answer to `retention.purge_requested`."""

    service: str
    purge: Purge
    rules: Sequence[Rule]
    publisher: Publisher

    async def on_retention_purge_requested(self, delivery: Delivery[RetentionPurgeRequested]) -> None:
        """Delete what is old enough and say how many rows that were."""
        rows = await self.purge.run(self.rules, delivery.event)
        if self.purge.stopping.is_set():
            raise HandBack
        purged = Envelope.of(RetentionPurged(service=self.service, rows=rows), correlation_id=delivery.correlation_id)
        await self.publisher.publish(Outgoing.of(purged))
        log.info("rows_purged", service=self.service, rows=rows)
