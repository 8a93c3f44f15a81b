"""A bulkhead and a circuit breaker for each destination: what hangs at one takes nothing from the others.

Closed, a destination takes so many requests at once. It opens when all of them are on their way and the oldest has
been for too long; then everybody is rejected, but for a few trial requests (half-open). An answer closes it again.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from services.publisher.platforms.errors import PlatformError
from shared.clocks.clock import loop_time

OPENS_AFTER = 2.0
"""Seconds without an answer to the oldest request, with all others taken up too."""
TRIALS = 2
"""How many trial requests are on their way at once while it is half-open."""
FIRST_REST, LONGEST_REST = 5.0, 40.0
FORGET_AFTER = 600.0
"""Seconds without anybody after which a destination is forgotten: longer than posts for it rest."""
REJECTED_AT_ONCE, PAUSE_SECONDS = 20, 0.01
"""How many of those who wait are rejected at once, and the pause between: thousands would stop all else."""


class CircuitOpen(Exception):
    """The network does not answer; `rest_seconds` is how long to stay away: longer the longer it lasts."""

    def __init__(self, why: str, rest_seconds: float) -> None:
        super().__init__(why)
        self.rest_seconds = rest_seconds


def rest_after(seconds: float) -> float:
    """How long to stay away from what has not answered for so long."""
    return min(max(FIRST_REST, seconds), LONGEST_REST)


class Turn:
    """Room for one request. It leaves at `begin` and is counted from `begun_at`; what came of it is None if nobody
    was asked."""

    def __init__(self, *at_end: Callable[["Turn"], None]) -> None:
        self.taken_at = loop_time()
        self.left_at: float | None = None
        self.begun_at: float | None = None
        self.was_answered: bool | None = None
        self.error: PlatformError | None = None
        self._at_end = at_end

    @property
    def age(self) -> timedelta:
        """How long ago it was taken."""
        return timedelta(seconds=loop_time() - self.taken_at)

    def begin(self, heavier: timedelta = timedelta(0)) -> None:
        """Count the request from now on: until here it waited for us, not for the destination.

        One that is `heavier`, because it carries pictures, is counted only from when it may have arrived.
        """
        self.left_at = loop_time()
        self.count_from(self.left_at + heavier.total_seconds())

    def count_from(self, instant: float | None) -> None:
        """Blame the destination for what lasts from that instant of the loop's time on; None: for nothing so far."""
        self.begun_at = instant

    def end(self) -> None:
        """Give the turn back."""
        for told in self._at_end:
            told(self)


@dataclass
class CircuitBreaker:
    """The turns of one destination; `on_free` is told when one is given back."""

    name: str
    most: int
    on_free: Callable[["CircuitBreaker", bool], None] = lambda _breaker, _was_full: None
    _allowed: int = 0
    _taken: dict[Turn, None] = field(default_factory=dict)
    _waiting: deque[asyncio.Future[Turn]] = field(default_factory=deque)
    _open_since: float | None = None
    _left_at: float = 0.0
    _watch: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._allowed = self.most

    @property
    def is_idle(self) -> bool:
        """Whether nobody is there and nothing is wrong."""
        return self._is_empty and self._open_since is None

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody has been there for so long that it does not matter any more how it was."""
        return self._is_empty and loop_time() - self._left_at > FORGET_AFTER

    @property
    def _is_empty(self) -> bool:
        return not self._taken and not self._waiting

    @property
    def is_open(self) -> bool:
        """Whether the destination does not answer."""
        return self._open_since is not None

    @property
    def taken(self) -> int:
        """How many turns are taken."""
        return len(self._taken)

    @property
    def free(self) -> int:
        """How many turns could be taken now."""
        return max(self._allowed - len(self._taken), 0)

    @property
    def opens_at(self) -> float:
        """When, by the loop's time, it opens if nothing is answered until then."""
        return self._oldest() + OPENS_AFTER

    def reject_if_open(self) -> None:
        """Raise CircuitOpen while it is; half-open, while trial requests are on their way."""
        if self.free or (self._open_since is None and loop_time() < self.opens_at):
            return
        raise self._opened()

    def take(self, *at_end: Callable[[Turn], None]) -> Turn:
        """A free turn; when it is given back, these are called."""
        turn = Turn(*at_end, self._end)
        self._taken[turn] = None
        return turn

    async def wait(self) -> Turn:
        """A turn as soon as there is one, in the order in which they are asked for; raises CircuitOpen."""
        self.reject_if_open()
        if self.free and not self._waiting:
            return self.take()
        waiter: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._keep_watch()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                waiter.result().end()
            raise
        finally:
            del waiter  # else the error would hold this frame and, by it, itself

    def _end(self, turn: Turn) -> None:
        """Let the next one have the turn; an answer, however slow, closes the circuit."""
        was_full = not self.free
        del self._taken[turn]
        self._left_at = loop_time()
        if turn.was_answered:
            self._allowed, self._open_since = self.most, None
        while self._waiting and self.free:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(self.take())
        self.on_free(self, was_full)

    def _oldest(self) -> float:
        begun = [turn.begun_at for turn in self._taken if turn.begun_at is not None]
        return min(begun, default=loop_time())

    def _opened(self) -> CircuitOpen:
        """Note since when it is open, and allow only trial requests from now on."""
        if self._open_since is None:
            self._open_since = self._oldest()
            self._allowed = min(TRIALS, self.most)
        return self._error(rest_after(loop_time() - self._open_since))

    def _error(self, rest_seconds: float) -> CircuitOpen:
        why = f"{self.name} does not answer: what is on its way has been there for more than {OPENS_AFTER:g} s"
        return CircuitOpen(why, rest_seconds)

    def _keep_watch(self) -> None:
        """Look again when the oldest request will have been on its way for too long."""
        if self._watch is None:
            loop = asyncio.get_running_loop()
            self._watch = loop.call_at(max(self.opens_at, loop.time()) + PAUSE_SECONDS, self._look)

    def _look(self) -> None:
        self._watch = None
        try:
            self.reject_if_open()
        except CircuitOpen as error:
            self._reject_some(error.rest_seconds)
        if self._waiting:
            self._keep_watch()

    def _reject_some(self, rest_seconds: float) -> None:
        for _ in range(min(REJECTED_AT_ONCE, len(self._waiting))):
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(self._error(rest_seconds))
