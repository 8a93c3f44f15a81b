"""The transactional outbox: events are written with the change they report, and relayed to the broker afterwards.

A row is born claimed by the process that wrote it, which relays it from memory right after the commit. A row whose
claim ran out (the process died, the broker was away) is taken over by whichever relay polls first and is connected. An
event may so be sent twice, under the same message id; it is never lost.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clocks.clock import Clock, loop_time
from shared.database.engine import Database
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.envelope import Envelope
from shared.messaging.outbox_rows import BATCH, OutboxRows

RETRY = timedelta(seconds=1)
"""When what the broker did not take is tried again."""
POLL_SECONDS = 1.0
FORGET_SECONDS = 1.0
"""How often what was sent is deleted. Each deletion is a transaction; a crash sends again what was not deleted yet."""
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
MOST_IN_MEMORY = 20_000
"""Beyond this the relay forgets what it was handed and finds it by polling, so that memory stays flat."""

log = structlog.get_logger()


class Outbox:
    """Writes envelopes within a caller's transaction and relays them after it.

    While `is_crowded` says that the process has work with a deadline, events wait for some seconds at most.
    """

    def __init__(
        self,
        table: Table,
        database: Database,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self.is_crowded: Callable[[], bool] = lambda: False
        self._rows = OutboxRows(table, database, clock)
        self._publisher = publisher
        self._handed_over: deque[Envelope] = deque()
        self._woken = asyncio.Event()
        self._sent: list[Envelope] = []
        self._forget_at = 0.0

    async def add(self, connection: AsyncConnection, envelopes: Sequence[Envelope]) -> None:
        """Write the envelopes in the caller's transaction; after its commit, call `relay_soon` with them."""
        if envelopes:
            await self._rows.add(connection, envelopes)

    def relay_soon(self, envelopes: Sequence[Envelope]) -> None:
        """Relay what has just been committed."""
        if len(self._handed_over) + len(envelopes) <= MOST_IN_MEMORY:
            self._handed_over.extend(envelopes)
        self._woken.set()

    async def age(self) -> timedelta:
        """How long the oldest event has been waiting; zero when there is none."""
        return await self._rows.age()

    async def run(self) -> None:
        """Relay for ever: what is handed over at once, what others left behind once its claim has run out.

        It waits by a clock that nobody sets: under the wall clock, one that is put back would end the polling.
        """
        next_poll_at = loop_time()
        while True:
            await self._give_way()
            await self._relay_handed_over()
            if loop_time() >= next_poll_at:
                await self._poll()
                next_poll_at = loop_time() + POLL_SECONDS
            await self._wait(FORGET_SECONDS if self._sent else POLL_SECONDS)
            if loop_time() >= self._forget_at:
                await self._forget()

    async def drain(self) -> None:
        """Relay what is still in memory, for a graceful stop; what fails stays in the table."""
        await self._relay_handed_over()
        await self._forget()

    async def _give_way(self) -> None:
        latest = loop_time() + LONGEST_PAUSE_SECONDS
        while self.is_crowded() and loop_time() < latest:  # noqa: ASYNC110  (nothing tells when it is over)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _relay_handed_over(self) -> None:
        """Relay all of it; what a stop interrupts stays in memory, for `drain`."""
        while self._handed_over:
            some = [self._handed_over.popleft() for _ in range(min(BATCH, len(self._handed_over)))]
            try:
                await self._relay(some)
            except BaseException:
                self._handed_over.extendleft(reversed(some))
                raise

    async def _poll(self) -> None:
        """Take over what was left behind; without a connection it is left to replicas that have one."""
        try:
            while self._publisher.is_connected and (left_behind := await self._rows.claim_left_behind()):
                log.info("outbox_taken_over", events=len(left_behind))
                await self._relay(left_behind)
        except Exception as error:
            log.warning("outbox_poll_failed", error=repr(error))

    async def _relay(self, envelopes: Sequence[Envelope]) -> None:
        results = await self._publisher.publish_all(map(Outgoing.of, envelopes))
        self._sent += [envelope for envelope, error in zip(envelopes, results, strict=True) if error is None]
        failures = [error for error in results if error is not None]
        if failures:
            log.warning("outbox_relay_failed", events=len(failures), error=str(failures[0]))
            await self._give_back([one for one, error in zip(envelopes, results, strict=True) if error is not None])
        if len(self._sent) >= BATCH:
            await self._forget()

    async def _give_back(self, unsent: Sequence[Envelope]) -> None:
        """Shorten the claim: once the broker is back, nobody shall wait for the rest of it."""
        try:
            await self._rows.shorten_claim(unsent, RETRY)
        except Exception as error:
            log.warning("outbox_give_back_failed", events=len(unsent), error=repr(error))

    async def _forget(self) -> None:
        """Delete what was sent, many rows at a time: what a crash leaves behind is sent twice, under the same id."""
        self._forget_at = loop_time() + FORGET_SECONDS
        sent, self._sent = self._sent, []
        if not sent:
            return
        try:
            await self._rows.delete(sent)
        except BaseException as error:  # a stop in the midst of it as well: `drain` forgets them then
            self._sent = [*sent, *self._sent]
            if not isinstance(error, Exception):
                raise
            log.warning("outbox_forget_failed", events=len(sent), error=repr(error))
