"""Whether the broker is there: the console may be well, and its streams open, while no news reaches it any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from shared.messaging.broker import BrokerUnavailable

LOOK_SECONDS = 2.0
ANSWER_SECONDS = 5.0


class Connected(Protocol):
    """The publishing connection."""

    @property
    def trouble(self) -> str | None: ...

    async def try_publishing(self) -> None: ...


class BrokerWatch:
    """Knows what is wrong with the broker: at once where a connection broke off, soon where it hangs."""

    def __init__(self, publisher: Connected, consuming: Callable[[], Awaitable[str | None]]) -> None:
        """`consuming` answers what keeps the console from receiving events, None while it receives them."""
        self._publisher = publisher
        self._consuming = consuming
        self._found: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why no events arrive; None while they do."""
        return self._publisher.trouble or self._found

    async def run(self) -> None:
        """For ever: look whether messages come and go."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once; what was found before stands until it is known what is so now."""
        self._found = await self._problem()

    async def _problem(self) -> str | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if (problem := await self._consuming()) is None:
                    await self._publisher.try_publishing()
                return problem
        except TimeoutError:
            return f"the broker has not answered for {ANSWER_SECONDS:g} s"
        except BrokerUnavailable as error:
            return str(error)
