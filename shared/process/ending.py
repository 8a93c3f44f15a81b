"""The end of a process: in good order if it can be, hard if not, and soon in any case."""

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import structlog

from shared.connections.cancellations import StrayCancellations

GRACE_SECONDS = 12.0
"""For what is in flight."""
CLOSE_SECONDS = 1.0
"""For closing each thing that is open."""
END_SECONDS = 18.0
"""From being asked to end until the process ends hard: the grace, the time for closing, and some more."""

MOST_PLACES = 50
"""At which tasks wait, that are told of; there may be tens of thousands of tasks."""

log = structlog.get_logger()


def asking_to_end() -> list[signal.Signals]:
    """The signals that do: SIGHUP, which comes when a terminal is closed, unless we are to outlive it (`nohup`)."""
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hangs_up else [])]


async def within(seconds: float, work: Awaitable[Any]) -> Any:
    """The work's answer; a timeout or an error is logged and answered as its text."""
    try:
        with StrayCancellations():
            async with asyncio.timeout(seconds):
                return await work
    except Exception as error:
        log.warning("step_failed", error=repr(error))
        return repr(error)


async def end_hard_after(stopping: asyncio.Event, *, seconds: float = END_SECONDS) -> None:
    """See to it that the process ends within so many seconds of being asked to, whatever hangs on its way out.

    A thread does it: libraries swallow cancellations (aio-pika's reconnecting does), and then the loop never ends.
    """
    await stopping.wait()
    timer = threading.Timer(seconds, _end_hard, (seconds, asyncio.get_running_loop()))
    timer.daemon = True
    timer.start()


def _end_hard(seconds: float, loop: asyncio.AbstractEventLoop) -> None:
    places = Counter(map(_place_of, asyncio.all_tasks(loop)))
    log.error("service_ended_hard", after_seconds=seconds, tasks=dict(places.most_common(MOST_PLACES)))
    os._exit(1)


def _place_of(task: asyncio.Task[Any]) -> str:
    """The lines at which a task waits, the outermost first."""
    lines = []
    waiting: Any = task.get_coro()
    while frame := getattr(waiting, "cr_frame", None):
        lines.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
        waiting = waiting.cr_await
    return " > ".join(lines)
