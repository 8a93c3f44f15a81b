"""Settling: every message ends acknowledged, tried again later, or parked with its reason; decided only here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from aio_pika.abc import AbstractIncomingMessage
from prometheus_client import Counter

from shared.clocks.clock import Clock
from shared.connections.cancellations import StrayCancellations
from shared.database.errors import is_passing
from shared.database.refusals import in_words
from shared.events import EVENTS, Event
from shared.messaging.acknowledging import Acknowledgements
from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher
from shared.messaging.budget import ByteBudget
from shared.messaging.dead_letters.parking import failures_of, handed_on, parked, tried_again
from shared.messaging.envelope import Delivery, Envelope, UnreadableEvent, correlation_of, read, type_of
from shared.messaging.in_hand import published_in_hand
from shared.messaging.standby import Standby
from shared.messaging.topology import RETRY_TIERS, tier_within
from shared.messaging.verdict import HandBack, Park, TryAgain
from shared.secrets.redaction import redact_text

MOST_FAILURES = 3
CONSUMED = Counter("timeball_messages_total", "Messages taken from queues, by what became of them", ["type", "result"])

Handler = Callable[[Delivery[Any]], Awaitable[None]]
Refusal = Callable[[UnreadableEvent, str], Awaitable[bool]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Settlement:
    """How the messages of one queue are settled; `handlers` are those of its types of event."""

    service: str
    queue: str
    handlers: Mapping[str, Handler]
    publisher: Publisher
    clock: Clock
    acknowledgements: Acknowledgements
    budget: ByteBudget
    on_unreadable: Refusal | None
    standby: Standby | None = None

    async def settle(self, message: AbstractIncomingMessage) -> None:
        """Return when it is settled."""
        async with self.budget.holding(len(message.body)):
            await self._handle(message, self.handlers.get(type_of(message), self._no_handler))

    async def _no_handler(self, delivery: Delivery[Event]) -> None:
        reason = f"{self.queue} does not take {delivery.event.type!r}"
        raise UnreadableEvent(reason, type=delivery.event.type, body=delivery.event.body())

    async def _handle(self, message: AbstractIncomingMessage, handler: Handler) -> None:
        taken_at = self.clock.now()
        try:
            with StrayCancellations():
                await handler(read(message))
        except HandBack:
            return
        except UnreadableEvent as error:
            await self._refuse(message, error, taken_at)
        except TryAgain as verdict:
            await self._rest(message, verdict.delay, taken_at)
        except Park as verdict:
            await self._park(message, verdict.reason)
        except Exception as error:
            await self._after_failure(message, error, taken_at)
        else:
            await self._acknowledge(message, "handled")

    async def _refuse(self, message: AbstractIncomingMessage, error: UnreadableEvent, taken_at: datetime) -> None:
        try:
            answered = self.on_unreadable is not None and await self.on_unreadable(error, correlation_of(message))
        except Exception as failure:
            await self._after_failure(message, failure, taken_at)
            return
        if answered:
            await self._acknowledge(message, "rejected")
        else:
            await self._park(message, error.reason)

    async def _after_failure(self, message: AbstractIncomingMessage, error: Exception, taken_at: datetime) -> None:
        passing = is_passing(error) or isinstance(error, BrokerUnavailable)
        failures = failures_of(message) + (not passing)
        if not passing and failures >= MOST_FAILURES:
            log.error("message_failed", queue=self.queue, type=type_of(message), exc_info=error)
            said = f": {words}" if (words := in_words(error)) else ""
            await self._park(message, f"{self.service} failed at it{said}; its log says more")
            return
        if self.standby and await self.standby.is_on_after(error):
            on = handed_on(message, queue=self.queue, taken_at=taken_at, failures=failures)
            await self._move(message, on, "handed_on")
            return
        log.warning("message_tried_again", queue=self.queue, type=type_of(message), error=repr(error), passing=passing)
        again = self._again(message, RETRY_TIERS[0], taken_at, failures)
        await self._move(message, again, "tried_again")

    async def _rest(self, message: AbstractIncomingMessage, delay: timedelta, taken_at: datetime) -> None:
        await self._move(message, self._again(message, tier_within(delay), taken_at), "postponed")

    def _again(self, message: AbstractIncomingMessage, tier: int, taken_at: datetime, failures: int = 0) -> Envelope:
        return tried_again(
            message, service=self.service, queue=self.queue, tier=tier, taken_at=taken_at, failures=failures
        )

    async def _park(self, message: AbstractIncomingMessage, reason: str) -> None:
        reason = redact_text(reason)
        log.warning("message_parked", queue=self.queue, type=type_of(message), reason=reason)
        now = self.clock.now()
        dead = parked(message, service=self.service, queue=self.queue, reason=reason, now=now)
        await self._move(message, dead, "parked")

    async def _move(self, message: AbstractIncomingMessage, copy: Envelope, result: str) -> None:
        """Publish the copy and acknowledge the original."""
        if await published_in_hand(self.publisher, message, Outgoing(copy), queue=self.queue):
            await self._acknowledge(message, result)

    async def _acknowledge(self, message: AbstractIncomingMessage, result: str) -> None:
        _counter(_label(message), result).inc()
        await self.acknowledgements.acknowledge(message)


@lru_cache
def _counter(label: str, result: str) -> Any:
    return CONSUMED.labels(label, result)


def _label(message: AbstractIncomingMessage) -> str:
    """The type as a metric's label: producers may invent types without end, and a label is kept for ever."""
    name = type_of(message)
    return name if name in EVENTS else "unknown"
