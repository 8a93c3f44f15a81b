"""Events that the console may have missed because its queue was gone: it has everything told again, by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update

from services.console.tables.rebuilding import own_queues
from shared.clocks.clock import Clock
from shared.database import bulk
from shared.database.engine import Database
from shared.database.errors import is_passing
from shared.messaging.broker import BrokerUnavailable

LOOK_SECONDS = 2.0
WAITS_FOR_ALL = timedelta(minutes=1)
"""How long the queues of all services are waited for, which may have been deleted with it."""

log = structlog.get_logger()


@dataclass
class MissedEvents:
    """Knows that a queue has been there before; `are_there` says whether all who would be asked can hear it."""

    queue: str
    database: Database
    clock: Clock
    are_there: Callable[[], Awaitable[bool]]
    ask: Callable[[], Awaitable[object]]
    _noted: int = field(default=0, init=False)
    """How often it was missed since that was kept: it may be again while it is being kept."""

    def note(self) -> None:
        """The queue is not there, and is just being made."""
        self._noted += 1

    async def run(self) -> None:
        """For ever: ask for a rebuild after the queue was gone. One that was never there before has missed nothing."""
        while True:
            try:
                await self.look()
            except Exception as error:
                if not is_passing(error) and not isinstance(error, BrokerUnavailable):
                    raise
                log.warning("missed_events_not_asked_for", error=repr(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Keep what has been noted, and ask for a rebuild where one is due."""
        await self._keep()
        missed_at = await self._missed_at()
        if missed_at is None:
            return
        if await self.are_there() or self.clock.now() - missed_at > WAITS_FOR_ALL:
            log.warning("events_may_be_missed", queue=self.queue, since=missed_at, way_out="a rebuild is asked for")
            await self.ask()
            await self._is_asked_for(missed_at)

    async def _keep(self) -> None:
        noted, c = self._noted, own_queues.c
        row = {"name": self.queue, "missed_at": None}
        async with self.database.transaction() as connection:
            if noted:
                gone = update(own_queues).where(c.name == self.queue, c.missed_at.is_(None))
                await connection.execute(gone.values(missed_at=self.clock.now()))
            await connection.execute(bulk.insert_missing(own_queues, self.database.dialect), bulk.encode([row]))
        self._noted -= noted

    async def _missed_at(self) -> datetime | None:
        (row,) = await self.database.rows(select(own_queues.c.missed_at).where(own_queues.c.name == self.queue))
        missed_at: datetime | None = row["missed_at"]
        return missed_at

    async def _is_asked_for(self, missed_at: datetime) -> None:
        c = own_queues.c
        asked_for = update(own_queues).where(c.name == self.queue, c.missed_at == missed_at)
        await self.database.write(asked_for.values(missed_at=None))
