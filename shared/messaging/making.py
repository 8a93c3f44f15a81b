"""What a service needs on the broker, made on one connection: as it is opened, and again where somebody deleted it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from aiormq.abc import AbstractConnection

from shared.messaging.answers import Answers, let_go
from shared.messaging.declaring import bind, declare, is_there
from shared.messaging.topology import DeclaredQueue, Topology, own_queues, wheel

BINDING_SECONDS = 3.0
"""Without an answer, while queues are bound again that were there already."""

log = structlog.get_logger()


@dataclass
class Making:
    """Makes it as often as asked."""

    connection: AbstractConnection
    answers: Answers
    _foreign: set[str] = field(default_factory=set)
    """Queues that another release has made, and which are used as they are."""
    _asked: int = 0

    @property
    def is_asking(self) -> bool:
        """Whether the broker has still to answer something."""
        return self._asked > 0

    async def at_opening(self, topology: Topology) -> None:
        """Make all of it, and return when messages find their queues.

        What comes for a new queue that is not bound is lost: that is waited for. Other bindings may be answered later.
        """
        queues = _all(topology)
        were_there = [await is_there(self.connection, queue.name) for queue in topology.queues]
        await declare(self.connection, topology, queues, self.answers, self._foreign)
        binding = asyncio.create_task(self._bind(topology, queues))
        binding.add_done_callback(let_go)
        if all(were_there) and not await self.answers.end_of(binding, silence=BINDING_SECONDS):
            log.warning("bindings_not_answered", seconds=BINDING_SECONDS)
        else:
            await binding

    async def again(self, topology: Topology) -> None:
        """Make whatever is gone."""
        await self._make(topology, _all(topology))

    async def own_again(self, topology: Topology) -> None:
        """The same without the wheel: when that is gone messages come back, while of bindings nobody tells."""
        await self._make(topology, list(own_queues(topology)))

    async def _make(self, topology: Topology, queues: Sequence[DeclaredQueue]) -> None:
        self._asked += 1
        try:
            await declare(self.connection, topology, queues, self.answers, self._foreign)
            await self._bind(topology, queues)
        finally:
            self._asked -= 1

    async def _bind(self, topology: Topology, queues: Sequence[DeclaredQueue]) -> None:
        self._asked += 1
        try:
            await bind(self.connection, topology, queues, self.answers)
        finally:
            self._asked -= 1


def _all(topology: Topology) -> Sequence[DeclaredQueue]:
    return [*own_queues(topology), *wheel(topology)]
