"""RecordingPublisher: takes messages without a broker, and refuses them, or hangs, while it is told to."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from shared.messaging.broker import PUBLISH_TIMEOUT, BrokerUnavailable, Outgoing, Publisher, QueueFigures
from tests.fakes.clock import FakeClock


class RecordingPublisher(Publisher):
    """Remembers what was published; each publish takes `costs` on the clock."""

    def __init__(self, clock: FakeClock, *, costs: timedelta = timedelta(0)) -> None:
        super().__init__("amqp://nowhere", app_id="test", clock=clock)
        self.published: list[Outgoing] = []
        self.is_away = False
        self.queued: dict[str, int] = {}
        self.delays = True
        self.asked, self.may_go = asyncio.Event(), asyncio.Event()
        self.may_go.set()
        self._fake_clock = clock
        self._costs = costs

    async def publish_all(
        self, outgoing: Iterable[Outgoing], *, within: timedelta = PUBLISH_TIMEOUT
    ) -> Sequence[BrokerUnavailable | None]:
        self.asked.set()
        await self.may_go.wait()
        return [self._publish(one) for one in outgoing]

    def _publish(self, outgoing: Outgoing) -> BrokerUnavailable | None:
        self._fake_clock.advance(self._costs)
        if self.is_away:
            return BrokerUnavailable("away")
        self.published.append(outgoing)
        return None

    async def queue_figures(self, name: str) -> QueueFigures | None:
        if self.is_away:
            raise BrokerUnavailable("away")
        return QueueFigures(self.queued[name], 0) if name in self.queued else None

    @property
    def is_connected(self) -> bool:
        return not self.is_away

    @property
    def may_delay(self) -> bool:
        return self.delays and super().may_delay

    @property
    def message_ids(self) -> list[str]:
        """What was published, by message id."""
        return [one.envelope.message_id for one in self.published]

    def last(self) -> Any:
        """What was published last."""
        return self.published[-1]
