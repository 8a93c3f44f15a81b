"""Time limits for what others answer, which a process that was frozen does not blame on them."""

import asyncio
from types import TracebackType

STEP = 1.0
"""Seconds after which the process looks whether it was awake; a longer sleep counts as this much."""


class AwakeTimeout:
    """`asyncio.timeout` whose seconds are those in which the process could run.

    What arrived while it was frozen, or had no processor, is read before the limit is judged: a limit that ended in
    its sleep is followed by one more step.
    """

    def __init__(self, seconds: float) -> None:
        self._left, self._may_add_a_step = seconds, True
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _wait(self) -> None:
        step = min(self._left, STEP)
        self._left -= step
        self._look_at = self._loop.time() + step  # what uvloop gives for a timer that is due at once does not know when
        self._timer = self._loop.call_at(self._look_at, self._look)

    def _look(self) -> None:
        was_asleep = self._loop.time() - self._look_at > STEP / 2
        if self._left <= 0 and was_asleep and self._may_add_a_step:
            self._left, self._may_add_a_step = STEP, False
        if self._left > 0:
            self._wait()
        else:
            self._timeout.reschedule(self._loop.time())
