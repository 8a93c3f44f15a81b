"""How long a database is waited for: each of its answers gives it as long again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any


class Limit:
    """A time limit that every answer renews."""

    def __init__(self, timeout: asyncio.Timeout, within: timedelta) -> None:
        self._timeout, self._seconds = timeout, within.total_seconds()

    def renew(self) -> None:
        """Wait as long again, unless it is over already."""
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)


@asynccontextmanager
async def patience(within: timedelta) -> AsyncIterator[Limit]:
    """TimeoutError in the block where the limit is not renewed for this long."""
    async with asyncio.timeout(within.total_seconds()) as timeout:
        yield Limit(timeout, within)


def renew(connection: Any, *_executed: Any) -> None:
    """Renew the limit that a connection was given; SQLAlchemy calls it after each statement."""
    if limit := connection.get_execution_options().get("limit"):
        limit.renew()
