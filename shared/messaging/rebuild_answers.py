"""Rebuilds of the console: a service tells it all that it keeps, part by part, when it is asked to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import structlog

from shared.events.grouping import in_groups
from shared.events.rebuilding import ConsoleRebuildAnswered, ConsoleRebuildRequested, StateTold
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.topology import Queue
from shared.messaging.verdict import HandBack

PAGE = 200
"""Rows that are read at once."""
MOST_CHARACTERS = 500_000
"""Of texts in one part, which the console takes as one message."""

ThingT = TypeVar("ThingT")
Parts = AsyncIterator[StateTold]

log = structlog.get_logger()


def queue_of(service: str) -> Queue:
    """Where a service is asked to tell what it keeps."""
    return Queue(service, f"{service}.telling", (ConsoleRebuildRequested.type,))


@dataclass(frozen=True)
class RebuildAnswers:
    """A service's answer to `console.rebuild_requested`; the same request again tells everything again."""

    service: str
    parts: Callable[[], Parts]
    publisher: Publisher
    stopping: asyncio.Event

    async def on_console_rebuild_requested(self, delivery: Delivery[ConsoleRebuildRequested]) -> None:
        """Tell everything; each part with a correlation id of its own, so that only whoever asked gets the answer."""
        telling_id, told, parts = str(uuid4()), 0, 0
        async for part in self.parts():
            if self.stopping.is_set():
                raise HandBack
            numbered = part.model_copy(update={"telling_id": telling_id, "part": parts})
            await self.publisher.publish(Outgoing.of(Envelope.of(numbered)))
            told, parts = told + part.size, parts + 1
        answer = ConsoleRebuildAnswered(service=self.service, told=told, telling_id=telling_id, parts=parts)
        envelope = Envelope.of(answer, correlation_id=delivery.correlation_id)
        await self.publisher.publish(Outgoing.of(envelope))
        log.info("state_told", service=self.service, things=told)


def in_parts(things: Iterable[ThingT], characters: Callable[[ThingT], int]) -> Iterator[tuple[ThingT, ...]]:
    """The things in their order, so many at a time as one message may carry."""
    return map(tuple, in_groups(things, characters, most=MOST_CHARACTERS))
