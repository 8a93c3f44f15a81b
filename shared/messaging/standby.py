"""Standing by: while its database is away a service takes no messages, and hands on those that it has.

Replicas that reach theirs get all of them. A service that is alone leaves them in its queues meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from aio_pika.exceptions import AMQPException

from shared.connections.cancellations import StrayCancellations
from shared.database.errors import is_about_all_work
from shared.messaging.kept_connection import LOST

ANSWERS_WITHIN = 1.0
"""Seconds; a database that does not answer by then is away until it does."""
LOOK_SECONDS = 0.25
ANSWER_SECONDS = 5.0

log = structlog.get_logger()


@dataclass
class Standby:
    """Stops consuming while `try_database` raises; `subscribers` are those that need the database."""

    try_database: Callable[[], Awaitable[None]]
    subscribers: list[Any] = field(default_factory=list)
    _begun: asyncio.Event = field(default_factory=asyncio.Event)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_on(self) -> bool:
        """Whether no messages are taken."""
        return self._begun.is_set()

    async def is_on_after(self, error: BaseException) -> bool:
        """Whether no messages are taken any more because of this error, or of one before it."""
        if not self.is_on and is_about_all_work(error):
            async with self._looking:
                if not self.is_on and await self._is_away():
                    log.warning("standing_by", error=repr(error))
                    self._begun.set()
                    await self._detach()
        return self.is_on

    async def run(self) -> None:
        """Take messages again whenever the database is back, for ever."""
        while True:
            await self._begun.wait()
            while await self._is_away(within=None):  # noqa: ASYNC110  (nothing tells when it is back)
                await asyncio.sleep(LOOK_SECONDS)
            async with self._looking:
                await self._attach()
                self._begun.clear()
            log.info("standing_by_no_more")

    async def attach_again(self) -> None:
        """Consume again where a consumer was lost, as may happen if the connection is lost while one is attached."""
        async with self._looking:
            if not self.is_on:
                await self._attach()

    async def _is_away(self, *, within: float | None = ANSWERS_WITHIN) -> bool:
        try:
            async with asyncio.timeout(within):
                await self.try_database()
        except Exception:
            return True
        return False

    async def _detach(self) -> None:
        await self._on_all(_detach)

    async def _attach(self) -> None:
        await self._on_all(_attach)

    async def _on_all(self, act: Callable[[Any], Awaitable[None]]) -> None:
        await asyncio.gather(*(self._insist(act, one) for one in self.subscribers))

    async def _insist(self, act: Callable[[Any], Awaitable[None]], subscriber: Any) -> None:
        """Act on a subscriber, if need be once the connection to the broker is back."""
        while subscriber.running:
            try:
                with StrayCancellations():
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await act(subscriber)
            except (*LOST, AMQPException) as error:
                log.warning("consumer_not_turned", queue=subscriber.queue.name, error=repr(error))
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return


async def _detach(subscriber: Any) -> None:
    """Have the broker send it no messages; what is on its way arrives before this returns."""
    await subscriber._queue_obj.cancel(subscriber._consumer_tag)


async def _attach(subscriber: Any) -> None:
    """Have it get messages again, under the tag that it had."""
    queue, tag = subscriber._queue_obj, subscriber._consumer_tag
    channel = await queue.channel.get_underlay_channel()
    if is_attached(queue, channel, tag):
        return
    if tag in channel.consumers:  # of an attempt that failed, or was not answered: the broker may know it or not
        await queue.cancel(tag)
    await queue.consume(subscriber.consume, arguments=subscriber.consume_args, consumer_tag=tag)


def is_attached(queue: Any, channel: Any, tag: str) -> bool:
    """Whether the broker has confirmed this consumer on this channel.

    A channel lists a consumer before the broker is asked, and goes on where that fails; a queue lists those that were
    confirmed, on whichever channel.
    """
    return tag in channel.consumers and tag in queue._consumers
