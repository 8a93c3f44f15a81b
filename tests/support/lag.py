"""How long the event loop stands still, in processor time: a slow machine makes nothing stand still."""

import time
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta


@dataclass
class Longest:
    """The longest that one callback has kept the loop so far, and which."""

    lasted: timedelta = timedelta(0)
    what: str = ""


@contextmanager
def longest_callback() -> Iterator[Longest]:
    """Watch every callback of asyncio's own loop, each step of a task included, while the block lasts."""
    longest, run = Longest(), events.Handle._run

    def watched(self: events.Handle) -> None:
        began = time.thread_time()
        run(self)
        lasted = timedelta(seconds=time.thread_time() - began)
        if lasted > longest.lasted:
            longest.lasted, longest.what = lasted, repr(self)

    events.Handle._run = watched  # type: ignore[method-assign]
    try:
        yield longest
    finally:
        events.Handle._run = run  # type: ignore[method-assign]
