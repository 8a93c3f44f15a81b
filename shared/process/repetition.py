"""Repetition: of warnings that say the same only the first few are written, then how many were left out.

While a database is away, each of thousands of posts tries again twice a second, and says why it could not.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from structlog.typing import EventDict, WrappedLogger

MOST = 5
WITHIN_SECONDS = 10.0
SAME = ("event", "queue", "type", "error")
"""Two warnings say the same where these are equal but for numbers, whichever post or account they name."""
NUMBER = re.compile(r"\d+")


@dataclass
class _Written:
    since: float
    lines: int = 0
    left_out: int = 0


class Repetition:
    """A step that leaves out a warning about an error that was written often of late."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._written: dict[tuple[str, ...], _Written] = {}

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if event.get("level") != "warning" or "error" not in event:
            return event
        now = self._seconds()
        written = self._of_late(tuple(NUMBER.sub("", str(event.get(name))) for name in SAME), now)
        if written.lines >= MOST:
            written.left_out += 1
            raise structlog.DropEvent
        written.lines += 1
        if written.left_out:
            event["left_out"], written.left_out = written.left_out, 0
        return event

    def _of_late(self, what: tuple[str, ...], now: float) -> _Written:
        """What has been written of it in this window; a new window remembers what the last one left out."""
        written = self._written.get(what)
        if written and now - written.since < WITHIN_SECONDS:
            return written
        self._written = {key: one for key, one in self._written.items() if now - one.since < 2 * WITHIN_SECONDS}
        fresh = _Written(now, left_out=written.left_out if written else 0)
        self._written[what] = fresh
        return fresh
