"""One by one: of those that are asked to connect one account at the same time, in any replica, each waits for the last.

A refresh token may be good for a single use, and an account that is not stored yet has no row for a lease. So whoever
connects shows signs of life, and is passed over only when many looks in a row have found no new one. Looks are counted,
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

SIGN_EVERY = timedelta(seconds=2)
LOOK_EVERY = timedelta(seconds=1)
MOST_LOOKS = 20
"""Longer than one sign takes that the database leaves without an answer (10 s), and the next one."""

Sign = Mapping[str, Any]
"""Who connects the account, and how many signs it has shown."""
NOBODY: Sign = {}

log = structlog.get_logger()


@dataclass(frozen=True)
class OneByOne:
    """Who connects which account; kept among the reservations."""

    store: Store
    clock: Clock

    @asynccontextmanager
    async def only(self, account_id: str) -> AsyncIterator[None]:
        """Wait for whoever connects the account; to the end of the block nobody else does."""
        name, ours = f"connecting:{sha256(account_id.encode()).hexdigest()}", uuid4().hex
        await self._begin(name, ours)
        living = asyncio.create_task(self._live(name, ours))
        try:
            yield
        finally:
            living.cancel()
            await asyncio.wait({living})
            await self._end(name, ours)

    async def _begin(self, name: str, ours: str) -> None:
        last, looks = NOBODY, 0
        while True:
            over = last if looks >= MOST_LOOKS else NOBODY
            shown = await self._show(name, _sign(ours, 0), partial(eq, over))
            if shown == over:
                return
            last, looks = shown, looks + 1 if shown == last else 0
            await self.clock.sleep(LOOK_EVERY)

    async def _live(self, name: str, ours: str) -> None:
        """Show signs of life until it is ended."""
        for number in count(1):
            await self.clock.sleep(SIGN_EVERY)
            try:
                await self._show(name, _sign(ours, number), lambda sign: sign.get("by") == ours)
            except Exception as error:
                if not is_passing(error):
                    raise

    async def _end(self, name: str, ours: str) -> None:
        """Let the next one begin; while the database is away it finds out by itself."""
        try:
            await self._show(name, NOBODY, lambda sign: sign.get("by") == ours)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("connecting_not_ended", error=repr(error))

    async def _show(self, name: str, sign: Sign, may_replace: Callable[[Sign], bool]) -> Sign:
        """Write a sign in place of what is there, where it may be replaced; the answer is what was there."""
        async with self.store.unit() as unit:
            shown: Sign = (await unit.reservations([name]))[name]
            if may_replace(shown):
                await unit.save_reservations({name: sign})
        return shown


def _sign(by: str, number: int) -> Sign:
    return {"by": by, "number": number}
