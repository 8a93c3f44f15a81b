"""Overflow: a second consumer of requests, so that posts for one destination never keep all others in the queue.

A post that waits, for its instant or for a turn at its destination, takes up one of the messages that the broker gives
a publisher. The second consumer gets messages only while the first has no room left, and keeps the queue moving: what
is for a destination that has taken up its share rests in a retry queue, and everything else is published from there.
"""

from dataclasses import dataclass
from datetime import timedelta

from services.publisher.limits.destinations import Destinations
from services.publisher.sending.case import Delivered
from services.publisher.sending.long_waits import LongWaits
from services.publisher.sending.loop import Sending
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Delivery
from shared.messaging.topology import RETRY_TIERS
from shared.messaging.verdict import TryAgain

REST = timedelta(seconds=RETRY_TIERS[0])


@dataclass(frozen=True)
class Overflow:
    """Takes requests on both; `share` is how many of them a destination may take up before others overtake."""

    sending: Sending
    waits: LongWaits
    destinations: Destinations
    share: int

    async def on_publish_requested(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post once, however often the event arrives."""
        delivered = _delivered(delivery)
        self.waits.over(delivered)
        try:
            with self.destinations.holding(delivery.event.account_id):
                await self.sending.on_publish_requested(delivery)
        finally:
            self.waits.over(delivered)

    async def on_overflow(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post, unless it would wait behind too many others for its destination."""
        if self.destinations.crowd(delivery.event.account_id) >= self.share:
            self.waits.turned_away(_delivered(delivery))
            raise TryAgain(REST)
        await self.on_publish_requested(delivery)


def _delivered(delivery: Delivery[PublishRequested]) -> Delivered:
    return Delivered(delivery.event, delivery.correlation_id, token="")
