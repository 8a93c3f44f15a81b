"""The circuit breakers of all destinations, made when somebody is there and forgotten when nobody has been for long."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.publisher.limits.circuit_breaker import CircuitBreaker, Turn
from services.publisher.platforms.errors import PlatformError


class CircuitBreakers:
    """The breakers of all destinations at which something goes on, by name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.on_free: Callable[[], None] = lambda: None
        self._at_work: dict[str, CircuitBreaker] = {}

    def under_way(self) -> int:
        """How many turns are taken, at all destinations."""
        return sum(breaker.taken for breaker in self._at_work.values())

    def silent(self) -> int:
        """How many destinations do not answer."""
        return sum(breaker.is_open for breaker in self._at_work.values())

    def is_open(self, destination: str) -> bool:
        """Whether the destination does not answer."""
        breaker = self._at_work.get(destination)
        return breaker is not None and breaker.is_open

    def is_full(self, destination: str) -> bool:
        """Whether there is no free turn at the destination."""
        breaker = self._at_work.get(destination)
        return breaker is not None and not breaker.free

    def at(self, destination: str) -> CircuitBreaker:
        """The destination's breaker."""
        if destination not in self._at_work:
            self._forget_the_oldest()
            self._at_work[destination] = CircuitBreaker(destination, self._most, self._freed)
        return self._at_work[destination]

    @asynccontextmanager
    async def turn(self, destination: str) -> AsyncIterator[Turn]:
        """Hold a turn for one request for the length of the block; raises CircuitOpen."""
        turn = await self.at(destination).wait()
        turn.begin()
        try:
            yield turn
            turn.was_answered = True
        except PlatformError as error:
            turn.was_answered = not error.is_silence
            raise
        finally:
            turn.end()

    def _freed(self, breaker: CircuitBreaker, was_full: bool) -> None:
        """Forget a destination that nobody is at; who waits for a turn hears of the first one only."""
        if breaker.is_idle:
            self._at_work.pop(breaker.name, None)
        if was_full:
            self.on_free()

    def _forget_the_oldest(self) -> None:
        for name in [name for name, breaker in self._at_work.items() if breaker.is_forgotten]:
            del self._at_work[name]
