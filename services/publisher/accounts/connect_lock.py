"""The lock under which an account is connected: in all replicas only one at a time does.

A refresh token may be good for a single use, and an account that is not stored yet has no row for a lease. So whoever
has the lock writes heartbeats, and loses it only when many looks in a row have found no new one. Looks are counted,
not seconds: no clock matters, a database that is away stops the counting, and a slow one slows it down.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from itertools import count
from operator import eq
from typing import Any
from uuid import uuid4

import structlog

from services.publisher.store import Store
from shared.clocks.clock import Clock
from shared.database.errors import is_passing

HEARTBEAT_EVERY = timedelta(seconds=2)
LOOK_EVERY = timedelta(seconds=1)
MOST_LOOKS = 20
"""Longer than one heartbeat takes that the database leaves without an answer (10 s), and the next one."""

Heartbeat = Mapping[str, Any]
"""Who connects the account, and how many heartbeats it has written."""
NOBODY: Heartbeat = {}

log = structlog.get_logger()


@dataclass(frozen=True)
class ConnectLock:
    """Who connects which account; kept among the reservations."""

    store: Store
    clock: Clock

    @asynccontextmanager
    async def held(self, account_id: str) -> AsyncIterator[None]:
        """Wait for whoever connects the account; to the end of the block nobody else does."""
        name, ours = f"connecting:{sha256(account_id.encode()).hexdigest()}", uuid4().hex
        await self._acquire(name, ours)
        keeping = asyncio.create_task(self._keep(name, ours))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await self._release(name, ours)

    async def _acquire(self, name: str, ours: str) -> None:
        last, looks = NOBODY, 0
        while True:
            over = last if looks >= MOST_LOOKS else NOBODY
            found = await self._write(name, _heartbeat(ours, 0), partial(eq, over))
            if found == over:
                return
            last, looks = found, looks + 1 if found == last else 0
            await self.clock.sleep(LOOK_EVERY)

    async def _keep(self, name: str, ours: str) -> None:
        """Write heartbeats until it is ended."""
        for number in count(1):
            await self.clock.sleep(HEARTBEAT_EVERY)
            try:
                await self._write(name, _heartbeat(ours, number), lambda found: found.get("by") == ours)
            except Exception as error:
                if not is_passing(error):
                    raise

    async def _release(self, name: str, ours: str) -> None:
        """Let the next one begin; while the database is away it finds out by itself."""
        try:
            await self._write(name, NOBODY, lambda found: found.get("by") == ours)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("connecting_not_ended", error=repr(error))

    async def _write(self, name: str, heartbeat: Heartbeat, may_replace: Callable[[Heartbeat], bool]) -> Heartbeat:
        """Write one in place of what is there, where that may be replaced; the answer is what was there."""
        async with self.store.unit() as unit:
            found: Heartbeat = (await unit.reservations([name]))[name]
            if may_replace(found):
                await unit.save_reservations({name: heartbeat})
        return found


def _heartbeat(by: str, number: int) -> Heartbeat:
    return {"by": by, "number": number}
