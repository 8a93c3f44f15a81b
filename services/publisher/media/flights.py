"""What many want at once is got once, and kept for a while for those who come later."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.clocks.clock import loop_time

T = TypeVar("T")


@dataclass
class Flight(Generic[T]):
    """One that is under way, and how many wait for it."""

    task: "asyncio.Task[T]"
    passengers: int = 0


@dataclass
class Flights(Generic[T]):
    """Results by key: at most `most_bytes` of them are kept, and none for longer than `seconds`."""

    size_of: Callable[[T], int]
    most_bytes: int
    seconds: float
    _under_way: dict[Hashable, Flight[T]] = field(default_factory=dict)
    _kept: "OrderedDict[Hashable, tuple[T, float]]" = field(default_factory=OrderedDict)
    _bytes: int = 0

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """The kept result, or that of the flight under way, or of a new one. What fails is not kept."""
        self._drop_old()
        if key in self._kept:
            return self._kept[key][0]
        flight = self._under_way.get(key) or self._started(key, make)
        flight.passengers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.passengers -= 1
            if not flight.passengers:
                self._end(key, flight)

    def forget(self, key: Hashable) -> None:
        """Do not keep this one any more."""
        if key in self._kept:
            self._bytes -= self.size_of(self._kept.pop(key)[0])

    def shed(self) -> None:
        """Keep nothing any more."""
        while self._kept:
            self._drop_first()

    def _started(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> Flight[T]:
        async def fly() -> T:
            result = await make()
            self._keep(key, result)
            return result

        flight = self._under_way[key] = Flight(asyncio.create_task(fly()))
        return flight

    def _end(self, key: Hashable, flight: Flight[T]) -> None:
        """Nobody waits for it any more: who comes now gets another one."""
        flight.task.cancel()
        if self._under_way.get(key) is flight:
            del self._under_way[key]

    def _keep(self, key: Hashable, result: T) -> None:
        self._kept[key] = result, loop_time()
        self._bytes += self.size_of(result)
        while self._bytes > self.most_bytes:
            self._drop_first()

    def _drop_old(self) -> None:
        while self._kept and next(iter(self._kept.values()))[1] < loop_time() - self.seconds:
            self._drop_first()

    def _drop_first(self) -> None:
        _, (result, _kept_at) = self._kept.popitem(last=False)
        self._bytes -= self.size_of(result)
