"""Settling dead letters: they are replayed or dropped when somebody asks.

In batches, each in three steps: publish (confirmed), tell (confirmed), take off the shelf. Whoever dies in between
leaves letters that rest, and a request that comes again: a letter may be replayed twice, under its one id, but is
never lost. A letter that dies again is left alone by the request for which it was replayed.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import structlog
from faststream.rabbit import RabbitBroker

from shared.events.dead_letters import DeadLetterDropped, DeadLetterReplayed
from shared.events.requests import DeadLetterDropRequested, DeadLetterReplayRequested
from shared.messaging.broker import Outgoing, Publisher, is_for_anyone
from shared.messaging.dead_letters.letter import Letter
from shared.messaging.dead_letters.shelf import Shelf
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.topology import dead_queue
from shared.messaging.verdict import TryAgain

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


@dataclass(frozen=True)
class Settling:
    """Replays and drops the dead letters of a service, whose queues these are."""

    service: str
    queues: Collection[str]
    broker: RabbitBroker
    publisher: Publisher

    async def on_dead_letter_replay_requested(self, delivery: Delivery[DeadLetterReplayRequested]) -> None:
        """Send letters back to the queues they came from."""
        await self._settle(delivery, DeadLetterReplayed)

    async def on_dead_letter_drop_requested(self, delivery: Delivery[DeadLetterDropRequested]) -> None:
        """Give letters up for good."""
        await self._settle(delivery, DeadLetterDropped)

    async def _settle(self, delivery: Delivery[DeadLetterRequest], outcome: Outcome) -> None:
        if delivery.event.service != self.service:
            return
        choice, batch, kept = Choice.of(delivery), list[Letter](), 0
        async with Shelf.open(self.broker, dead_queue(self.service)) as shelf:
            async for letter in shelf.letters():
                if not choice.takes(letter):
                    continue
                if outcome is DeadLetterReplayed and letter.queue not in self.queues:
                    kept += 1
                    continue
                if _is_full(batch):
                    await self._carry_out(shelf, batch, delivery, outcome, is_last=False)
                    await self._room_in({str(one.queue) for one in batch})
                    batch = []
                batch.append(letter)
            await self._carry_out(shelf, batch, delivery, outcome, kept=kept, is_last=True)

    async def _carry_out(
        self,
        shelf: Shelf,
        batch: Sequence[Letter],
        delivery: Delivery[DeadLetterRequest],
        outcome: Outcome,
        *,
        kept: int = 0,
        is_last: bool,
    ) -> None:
        """The three steps, in the order in which nothing is lost."""
        if outcome is DeadLetterReplayed:
            request_id = Choice.of(delivery).request_id
            await self._publish([letter.replayed(request_id) for letter in batch])
        letters = tuple(letter.settled() for letter in batch)
        fact = outcome(service=self.service, count=len(batch), letters=letters, kept=kept, is_last=is_last)
        await self._publish([Envelope.of(fact, correlation_id=delivery.correlation_id)])
        await shelf.let_go(batch)
        log.info("dead_letters_settled", type=fact.type, service=self.service, letters=len(batch), kept=kept)

    async def _publish(self, envelopes: Sequence[Envelope]) -> None:
        outgoing = [Outgoing(envelope, mandatory=not is_for_anyone(envelope)) for envelope in envelopes]
        for error in await self.publisher.publish_all(outgoing):
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


def _is_full(batch: Sequence[Letter]) -> bool:
    return len(batch) >= MOST_LETTERS or sum(len(letter.message.body) for letter in batch) >= MOST_BYTES
