"""What the publisher deletes once it is old, and what keeps it from sending a post whose key it has deleted.

The key of a post goes a day later than is asked for, and before the scheduler's own row, which counts the revisions.
Should a request for it come even later, out of a dead letter or from a scheduler that has been away, it is due before
the watermark that was set when the key went; then a person decides.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.publisher.tables import FINAL, attempts, inbox, publications
from services.publisher.watermarks import KEYS_DELETED, advance_watermark
from shared.database.engine import Database
from shared.database.purging import SHORTEST, Rule, inbox_rule
from shared.events.maintenance import RetentionPurgeRequested
from shared.jobs.retention import Retention
from shared.messaging.envelope import Delivery

LONGER = timedelta(days=1)
NO_LATER_THAN = timedelta(hours=1)
"""A request that a withdrawal stops is due at most so much later than that: dispatch is half a minute ahead."""

_BY_AGE = publications.c.updated_at
_OVER = f"{FINAL} AND publish_at < :before"

RULES = (
    Rule(publications, _BY_AGE, f"{_OVER} AND state = 'published'", keeps="succeeded", longer=LONGER),
    Rule(publications, _BY_AGE, f"{_OVER} AND state = 'failed'", keeps="failed", longer=LONGER),
    Rule(publications, _BY_AGE, f"{_OVER} AND state = 'skipped'", longer=LONGER + NO_LATER_THAN),
    Rule(attempts, attempts.c.lease_until, "evidence NOT IN ('open', 'unknown')", longer=LONGER),
    inbox_rule(inbox),
)
"""Claimed, sending, retrying, held and unknown publications stay, however old they are."""


@dataclass(frozen=True)
class KeyRetention:
    """Deletes old publications, and first notes how far back keys may be missing from now on."""

    database: Database
    retention: Retention

    async def on_retention_purge_requested(self, delivery: Delivery[RetentionPurgeRequested]) -> None:
        """Set the watermark, delete, and say how many rows that were."""
        now = self.retention.purge.clock.now()
        await advance_watermark(self.database, KEYS_DELETED, _watermark(delivery.event.before, now))
        await self.retention.on_retention_purge_requested(delivery)


def _watermark(before: datetime, now: datetime) -> datetime:
    """The instant before which no publication that is due is sure to be known any more."""
    return min(before, now - SHORTEST) - LONGER
