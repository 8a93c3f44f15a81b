"""Virtual time: an event loop that never waits, and processes on it that can be frozen or killed at any step.

When nothing is ready, the loop's clock jumps to the next timer. Every callback belongs to the process in whose context
it was made: those of a frozen process are kept until it goes on, those of a dead one are dropped, so that no `finally`
of it ever runs.
"""

import asyncio
import heapq
from asyncio.events import Handle, TimerHandle
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2027, 3, 1, tzinfo=UTC)
LONGEST_NAP = 2.0
MOST_STEPS_AT_ONCE = 2_000_000
"""Steps without any time passing, after which the run counts as stuck."""


class Stuck(Exception):
    """Something runs in circles, or nothing will ever happen any more."""


@dataclass(eq=False)
class Process:
    """One replica of a service, with a wall clock of its own."""

    name: str
    service: str
    is_alive: bool = True
    is_frozen: bool = False
    clock_offset: timedelta = timedelta(0)
    steps: int = 0
    dies_at_step: int | None = None
    on_death: Callable[["Process"], None] = lambda _: None
    stalls_at_step: int | None = None
    on_stall: Callable[["Process"], None] = lambda _: None
    """Called before that step, and may freeze it."""
    kept: list[Handle] = field(default_factory=list)

    def admits(self, handle: Handle) -> bool:
        """Whether the callback runs now."""
        if not self.is_alive:
            return False
        if not self.is_frozen:
            self.steps += 1
            if self.steps == self.dies_at_step:
                self.on_death(self)
                return False
            if self.steps == self.stalls_at_step:
                self.on_stall(self)
        if self.is_frozen:
            self.kept.append(handle)
        return not self.is_frozen


RUNNING: ContextVar[Process | None] = ContextVar("RUNNING", default=None)
"""The process that the present callback belongs to; None: the world outside."""


def context_of(process: Process | None) -> Context:
    """A context for callbacks of the process."""
    context = copy_context()
    context.run(RUNNING.set, process)
    return context


class Step(Handle):
    """A handle that is quick to make: each step of a run has one."""

    __slots__ = ()
    _repr = _source_traceback = None

    def __init__(self, callback: Callable[..., object], args: Any, loop: Any, context: Context | None) -> None:
        self._context = context or copy_context()
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False


class Timer(TimerHandle):
    """A timer that is quick to make, compare and cancel."""

    __slots__ = ()
    _repr = _source_traceback = None
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(
        self, when: float, callback: Callable[..., object], args: Any, loop: Any, context: Context | None
    ) -> None:
        self._context = context or copy_context()
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._when = when

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = self._args = None  # type: ignore[assignment]


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks in order; time passes only when there are none left."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._steps_at_once = 0
        self._outside = context_of(None)
        self._graves: list[asyncio.Task[Any]] = []
        self._ready: Any
        self._timers: list[tuple[float, TimerHandle]] = []

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        """Let something happen in the world outside, whoever asks for it."""
        self.call_at(self._now + seconds, callback, *args, context=self._outside)

    def start(self, process: Process | None, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run a coroutine as part of the process."""
        return self.create_task(work, context=context_of(process))

    def bury(self) -> None:
        """Keep what dead processes have left, so that it is never finalized while anybody lives."""
        self._graves.extend(asyncio.all_tasks(self))

    def thaw(self, process: Process) -> None:
        """Let a frozen process go on with what has become due meanwhile."""
        process.is_frozen = False
        self._ready.extend(process.kept)
        process.kept = []

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """Call it then. In the heap are pairs, which compare as their handles do, and faster."""
        timer = Timer(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, timer))
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """Call it after so many seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        """Call it next."""
        step = Step(callback, args, self, context)
        self._ready.append(step)
        return step

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        if not ready:
            self._jump()
        while timers and timers[0][0] <= self._now:
            handle: Any = heapq.heappop(timers)[1]
            ready.append(handle)
        self._steps_at_once += len(ready)
        if self._steps_at_once > MOST_STEPS_AT_ONCE:
            raise Stuck(f"{self._steps_at_once:,} steps without any time passing")
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(RUNNING)
            if process is None or process.admits(handle):
                try:
                    handle._context.run(handle._callback, *handle._args)
                except Exception as error:
                    self.call_exception_handler({"message": "a callback failed", "exception": error, "handle": handle})

    def _jump(self) -> None:
        timers = self._timers
        while timers and timers[0][1].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise Stuck("nothing will ever happen any more")
        if timers[0][0] > self._now:
            self._now = timers[0][0]
            self._steps_at_once = 0

    def _write_to_self(self) -> None:
        """There is no other thread that could have to be woken for."""


def now() -> datetime:
    """The wall clock of the process that asks; the true time in the world outside."""
    process = RUNNING.get()
    true = EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
    return true + process.clock_offset if process else true


async def sleep_until(instant: datetime) -> None:
    """Return once the wall clock of the process shows `instant`, never before; it may be set meanwhile."""
    while (remaining := (instant - now()).total_seconds()) > 0:  # noqa: ASYNC110  (time sets no event)
        await asyncio.sleep(min(max(remaining, 1e-6), LONGEST_NAP))
