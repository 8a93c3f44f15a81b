"""Sending requests to the other services, and waiting a few seconds for the facts that answer them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from services.console.requests.awaited_answers import AwaitedAnswers
from services.console.requests.required_queues import RequiredQueues
from services.console.streaming.listening import Closed, Listener, TooSlow
from shared.clocks.clock import Clock
from shared.database.errors import is_passing
from shared.events import Event
from shared.events.scheduler import (
    AcceptedPost,
    RejectedPost,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleRejected,
)
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.envelope import Delivery, Envelope

log = structlog.get_logger()

PATIENCE = timedelta(seconds=5)

EventT = TypeVar("EventT", bound=Event)

Until = Callable[[Event], bool]
"""Told each answer once, in order; answers whether that settles the request."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The facts that followed from a request; `is_complete` unless time ran out first."""

    correlation_id: str
    asked_at: datetime
    facts: Sequence[Event]
    is_complete: bool
    unlearned: Exception | None = None

    def of_type(self, event_class: type[EventT]) -> list[EventT]:
        """The facts of one type."""
        return [fact for fact in self.facts if isinstance(fact, event_class)]

    def require_learned(self) -> None:
        """Raise what the database said where it has not taken the answers: for those who read there what they wrote."""
        if self.unlearned:
            raise self.unlearned


@dataclass(frozen=True)
class RequestSender:
    """Sends requests. The answers go into the read model at once, so that whoever sent one can read what they wrote."""

    publisher: Publisher
    queues: RequiredQueues
    awaited_answers: AwaitedAnswers
    learn: Callable[[Delivery[Any]], Awaitable[None]]
    clock: Clock

    async def send_all(self, requests: Sequence[Event]) -> str:
        """Send requests of one kind under one correlation id; BrokerUnavailable when not all may have arrived."""
        correlation_id = str(uuid4())
        envelopes = [Envelope.of(request, correlation_id=correlation_id) for request in requests]
        for request in requests[:1]:
            await self.queues.ensure_for(request)
        for error in await self.publisher.publish_all(map(Outgoing, envelopes)):
            if error is not None:
                raise error
        return correlation_id

    async def send_and_wait(
        self, request: Event, until: Until, *, patience: timedelta = PATIENCE, message_id: str | None = None
    ) -> Answers:
        """Send the request and wait until its answers settle it; BrokerUnavailable when it may not have arrived.

        What is sent twice under the same message id is done once, and answered once.
        """
        await self.queues.ensure_for(request)
        envelope, asked_at = Envelope.of(request), self.clock.now()
        envelope = replace(envelope, message_id=message_id or envelope.message_id)
        async with self.awaited_answers.answers_to(envelope.correlation_id) as listener:
            await self.publisher.publish(Outgoing(envelope))
            collected: list[Delivery[Any]] = []
            is_complete = await self._collect(listener, collected, until, envelope.message_id, patience)
        asked = Delivery(request, envelope.message_id, envelope.correlation_id, body=envelope.body)
        unlearned = await self._learn([asked, *collected])
        facts = [delivery.event for delivery in collected]
        return Answers(envelope.correlation_id, asked_at, facts, is_complete, unlearned)

    async def _learn(self, deliveries: Sequence[Delivery[Any]]) -> Exception | None:
        """What the database said where it did not take them: the projector learns them again, from its own queue.

        The request has been answered by then. To tell that it failed would have it sent twice.
        """
        try:
            await asyncio.gather(*map(self.learn, deliveries))
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("answers_not_learned_yet", error=repr(error))
            return error
        return None

    async def _collect(
        self,
        listener: Listener[Delivery[Any]],
        collected: list[Delivery[Any]],
        until: Until,
        own_id: str,
        patience: timedelta,
    ) -> bool:
        """Gather answers until they settle the request; the request itself passes by too."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                while True:
                    delivery = await listener.next()
                    if delivery.message_id == own_id:
                        continue
                    collected.append(delivery)
                    if until(delivery.event):
                        return True
        except (TimeoutError, TooSlow, Closed):
            return False


def any_of(*event_classes: type[Event]) -> Until:
    """Settled by the first fact of one of these types."""
    return lambda fact: isinstance(fact, event_classes)


def from_each(services: Iterable[str], event_class: type[Event]) -> Until:
    """Settled once each of these services has told a fact of this type, which names its `service`."""
    missing = set(services)

    def until(fact: Event) -> bool:
        if isinstance(fact, event_class):
            missing.discard(getattr(fact, "service", ""))
        return not missing

    return until


def each_account(account_ids: Iterable[str], *event_classes: type[Event]) -> Until:
    """Settled once a fact of these types has named each account, or one has named none and so means them all."""
    missing = set(account_ids)

    def until(fact: Event) -> bool:
        if isinstance(fact, event_classes):
            named = getattr(fact, "account_id", None)
            missing.clear() if named is None else missing.discard(named)
        return not missing

    return until


@dataclass
class BatchAnswers:
    """What a batch's answers say: one fact settles it but for what waits for the publisher, which has one fact each."""

    accepted: list[AcceptedPost | ScheduleAccepted] = field(default_factory=list)
    rejected: list[RejectedPost | ScheduleRejected] = field(default_factory=list)
    _is_settled: bool = False
    _pending: list[tuple[str, str | None]] = field(default_factory=list)
    _told: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def waiting(self) -> list[tuple[str, str | None]]:
        """The posts, with their accounts, that are not answered yet."""
        told = Counter(self._told)
        return [key for key in self._pending if not _taken(told, key)]

    def is_settled_by(self, fact: Event) -> bool:
        """Take an answer; whether nothing is missing any more."""
        match fact:
            case ScheduleBatchSettled():
                self._is_settled = True
                self.accepted += fact.accepted
                self.rejected += fact.rejected
                self._pending += [(one.post_id, one.account_id) for one in fact.pending]
            case ScheduleAccepted():
                self.accepted.append(fact)
                self._told.append((fact.post_id, fact.account_id))
            case ScheduleRejected():
                self.rejected.append(fact)
                self._told.append((fact.post_id, fact.account_id))
        return self._is_settled and not self.waiting


def _taken(told: Counter[tuple[str, str | None]], key: tuple[str, str | None]) -> bool:
    """Whether an answer is left for this one, which then is its own."""
    told[key] -= 1
    return told[key] >= 0
