"""Output: a service works on where nobody takes what it writes.

Whoever reads its log may be gone, or stand still (a terminal after Ctrl-S); its disk may be full, its standard files
closed. Then lines are late or lost, and nothing else: a line that raised would fail the work that it tells of, and one
that waited would have every post wait.
"""

import io
import os
import select
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TextIO, cast

STANDARD = (0, 1, 2)
MOST_LATE = 10_000
"""Lines that wait for a reader who stands still; more of them are lost."""


class Output(io.TextIOBase):
    """A stream for whole lines: what cannot be written is left out, and what cannot be written now is by a thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._descriptor = _descriptor_of(stream)
        self._late: SimpleQueue[str] = SimpleQueue()
        self._late_lines = 0
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> int:
        """Write it, if it can be written."""
        if self._late_lines or not self._has_room():
            self._write_later(text)
        else:
            self._write(text)
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of what it writes to."""
        return self._stream.encoding or "utf-8"

    def fileno(self) -> int:
        """The number of the file that it writes to."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether people read it."""
        return self._stream.isatty()

    def _has_room(self) -> bool:
        """Whether a line can be written at once, as into a file it always can."""
        if self._descriptor is None:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def _write(self, text: str) -> None:
        """Past the stream, which would keep what was not taken, and its lock where the process ends meanwhile."""
        with suppress(OSError):
            if self._descriptor is None:
                self._stream.write(text)
                self._stream.flush()
                return
            left = text.encode(self.encoding, errors="backslashreplace")
            while left:
                left = left[os.write(self._descriptor, left) :]

    def _write_later(self, text: str) -> None:
        if self._late_lines >= MOST_LATE:
            return
        self._late_lines += 1
        self._late.put(text)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_late, name="late output", daemon=True)
            self._thread.start()

    def _write_late(self) -> None:
        while True:
            self._write(self._late.get())
            self._late_lines -= 1


def _descriptor_of(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except OSError:  # it is no file of the system
        return None


def never_fail() -> None:
    """Let what this process prints from now on be late or lost rather than end it."""
    sys.stdout, sys.stderr = cast(TextIO, Output(sys.stdout)), cast(TextIO, Output(sys.stderr))


def open_missing_files() -> None:
    """Open as nothing what is closed of the standard files: else a database or a connection would get its number, and
    what is meant for the log would be written into it."""
    while (opened := os.open(os.devnull, os.O_RDWR)) in STANDARD:
        os.set_inheritable(opened, True)
    os.close(opened)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
