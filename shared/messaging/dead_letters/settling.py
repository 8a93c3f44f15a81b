"""Settling dead letters: they are replayed or dropped when somebody asks.

In batches, each in three steps: publish (confirmed), tell (confirmed), remove. Whoever dies in between
leaves letters that rest, and a request that comes again: a letter may be replayed twice, under its one id, but is
never lost. A letter that dies again is left alone by the request for which it was replayed.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import structlog
from faststream.rabbit import RabbitBroker

from shared.clocks.clock import Clock
from shared.events.dead_letters import DeadLetterDropped, DeadLetterReplayed
from shared.events.rebuilding import ConsoleRebuildRequested
from shared.events.requests import DeadLetterDropRequested, DeadLetterReplayRequested
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.dead_letters.letter import Letter
from shared.messaging.dead_letters.notices import notice_of
from shared.messaging.dead_letters.queue import DeadLetterQueue
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.topology import dead_queue
from shared.messaging.verdict import Park, TryAgain

MOST_LETTERS = 50
MOST_BYTES = 1024 * 1024
MOST_WAITING = 100
"""Messages in a queue beyond which no more are replayed to it: what comes meanwhile shall not wait behind them all."""
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
REST = timedelta(seconds=5)
"""How long the rest of a request waits where a queue stays full."""

DeadLetterRequest = DeadLetterReplayRequested | DeadLetterDropRequested
Outcome = type[DeadLetterReplayed] | type[DeadLetterDropped]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters a request is about."""

    request_id: str
    message_ids: Collection[str] | None
    as_of: datetime | None

    @classmethod
    def of(cls, delivery: Delivery[DeadLetterRequest]) -> Self:
        """The choice of a request, the same however often it comes."""
        request = delivery.event
        named = None if request.message_ids is None else frozenset(request.message_ids)
        return cls(delivery.message_id or delivery.correlation_id, named, request.as_of)

    def takes(self, letter: Letter) -> bool:
        """Whether the request is about this letter."""
        is_named = self.message_ids is None or letter.id in self.message_ids
        rested_by_then = self.as_of is None or letter.parked_at <= self.as_of
        return is_named and rested_by_then and letter.replayed_for != self.request_id


@dataclass
class Part:
    """The letters that are settled together, and what has been counted so far of those that rest on."""

    choice: Choice
    correlation_id: str
    outcome: Outcome
    looked_at: datetime
    letters: list[Letter] = field(default_factory=list)
    kept: int = 0
    resting: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is as much as goes at once."""
        return len(self.letters) >= MOST_LETTERS or sum(len(one.message.body) for one in self.letters) >= MOST_BYTES

    def fact(self, service: str, *, is_last: bool) -> DeadLetterReplayed | DeadLetterDropped:
        """What is told of it."""
        return self.outcome(
            service=service,
            count=len(self.letters),
            letters=tuple(letter.settled() for letter in self.letters),
            looked_at=self.looked_at,
            kept=self.kept if is_last else 0,
            resting=self.resting + self.kept if is_last else None,
            is_last=is_last,
        )


@dataclass(frozen=True)
class Settling:
    """Replays and drops the dead letters of a service, whose queues these are.

    Where it knows `every_service`, a request that names none of them is parked: no other would answer it.
    """

    service: str
    queues: Collection[str]
    broker: RabbitBroker
    publisher: Publisher
    clock: Clock
    every_service: Collection[str] = ()

    async def on_dead_letter_replay_requested(self, delivery: Delivery[DeadLetterReplayRequested]) -> None:
        """Send letters back to the queues they came from."""
        await self._settle(delivery, DeadLetterReplayed)

    async def on_dead_letter_drop_requested(self, delivery: Delivery[DeadLetterDropRequested]) -> None:
        """Give letters up for good."""
        await self._settle(delivery, DeadLetterDropped)

    async def on_console_rebuild_requested(self, delivery: Delivery[ConsoleRebuildRequested]) -> None:
        """Tell of every letter again."""
        async with DeadLetterQueue.open(self.broker, dead_queue(self.service)) as queue:
            async for letter in queue.letters():
                await self._publish([notice_of(letter, self.service)])

    async def _settle(self, delivery: Delivery[DeadLetterRequest], outcome: Outcome) -> None:
        if delivery.event.service != self.service:
            self._require_known(delivery.event.service)
            return
        part = Part(Choice.of(delivery), delivery.correlation_id, outcome, self.clock.now())
        async with DeadLetterQueue.open(self.broker, dead_queue(self.service)) as queue:
            async for letter in queue.letters():
                if not part.choice.takes(letter):
                    part.resting += 1
                elif outcome is DeadLetterReplayed and letter.queue not in self.queues:
                    part.kept += 1
                else:
                    await self._make_room(queue, part)
                    part.letters.append(letter)
            await self._carry_out(queue, part, is_last=True)

    def _require_known(self, service: str) -> None:
        if self.every_service and service not in self.every_service:
            raise Park(f"service: there is no service {service!r}; there are {', '.join(self.every_service)}")

    async def _make_room(self, queue: DeadLetterQueue, part: Part) -> None:
        """Carry the part out once it is full; the next one waits while the queues are long."""
        if part.is_full:
            await self._carry_out(queue, part, is_last=False)
            if part.outcome is DeadLetterReplayed:
                await self._room_in({str(letter.queue) for letter in part.letters})
            part.letters = []

    async def _carry_out(self, queue: DeadLetterQueue, part: Part, *, is_last: bool) -> None:
        """The three steps, in the order in which nothing is lost."""
        if part.outcome is DeadLetterReplayed:
            await self._publish([letter.replayed(part.choice.request_id) for letter in part.letters])
        fact = part.fact(self.service, is_last=is_last)
        await self._publish([Envelope.of(fact, correlation_id=part.correlation_id)])
        await queue.remove(part.letters)
        log.info("dead_letters_settled", type=fact.type, service=self.service, count=fact.count, kept=fact.kept)

    async def _publish(self, envelopes: Sequence[Envelope]) -> None:
        for error in await self.publisher.publish_all(map(Outgoing.of, envelopes)):
            if error is not None:
                raise error

    async def _room_in(self, queues: Collection[str]) -> None:
        """Return when none of these queues is long; where one stays so, the rest of the request waits its turn."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while max([await self._length(queue) for queue in queues]) > MOST_WAITING:  # noqa: ASYNC110  (nothing tells when there is room)
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise TryAgain(REST) from None

    async def _length(self, queue: str) -> int:
        figures = await self.publisher.queue_figures(queue)
        return figures.messages if figures else 0
