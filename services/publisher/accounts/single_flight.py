"""Single flight: those who want the same thing at the same time wait for one who fetches it."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

AnswerT = TypeVar("AnswerT")


class SingleFlight(Generic[AnswerT]):
    """What is fetched is fetched to its end, whoever stops waiting for it meanwhile."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[AnswerT]] = {}

    async def join(self, key: Hashable, fetch: Callable[[], Coroutine[Any, Any, AnswerT]]) -> AnswerT:
        """The answer, or the error, of the flight under this key; without one, of a new one."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(fetch())
            flight.add_done_callback(lambda _: self._flights.pop(key))
        return await asyncio.shield(flight)

    async def finish(self) -> None:
        """Return when every flight has landed."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
