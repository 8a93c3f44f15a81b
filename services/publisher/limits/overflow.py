"""Overflow: a second consumer of requests, so that posts for one destination never keep all others in the queue.

A post that waits, for its instant or for a turn at its destination, takes up one of the messages that the broker gives
a publisher. The second consumer gets messages only while the first has no room left, and keeps the queue moving: what
is for a destination that has taken up its share rests in a retry queue, and everything else is published from there.

Of the second consumer's own room a destination may take up as much as it leaves: one that hangs at most half, two at
most two thirds, and so on. There is always room for yet another.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    """Takes requests on both; `share` is how many of them a destination may take up before others overtake.

    `room` is how many the second consumer has at hand at most.
    """

    sending: Sending
    waits: LongWaits
    destinations: Destinations
    share: int
    room: int
    _overtaking: Counter[str] = field(default_factory=Counter)
    """How many posts of each account the second consumer has at hand."""

    async def on_publish_requested(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post once, however often the event arrives."""
        delivered = _delivered(delivery)
        self.waits.wait_ended(delivered)
        try:
            with self.destinations.holding(delivery.event.account_id):
                await self.sending.on_publish_requested(delivery)
        finally:
            self.waits.wait_ended(delivered)

    async def on_overflow(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post, unless it would wait behind too many others for its destination."""
        account_id = delivery.event.account_id
        if self.destinations.crowd(account_id) >= self.share or self._would_take_more_than_it_leaves(account_id):
            self.waits.turned_away(_delivered(delivery))
            raise TryAgain(REST)
        with self._overtaken_by(account_id):
            await self.on_publish_requested(delivery)

    def _would_take_more_than_it_leaves(self, account_id: str) -> bool:
        free = self.room - self._overtaking.total()
        if 2 * free > self.room:
            return False
        where = self.destinations.of(account_id)
        return sum(posts for one, posts in self._overtaking.items() if self.destinations.of(one) == where) >= free

    @contextmanager
    def _overtaken_by(self, account_id: str) -> Iterator[None]:
        self._overtaking[account_id] += 1
        try:
            yield
        finally:
            self._overtaking[account_id] -= 1
            if not self._overtaking[account_id]:
                del self._overtaking[account_id]


def _delivered(delivery: Delivery[PublishRequested]) -> Delivered:
    return Delivered(delivery.event, delivery.correlation_id, token="")
