"""The file of an SQLite database: it must stay the one that was opened first.

Who removes it, moves its folder or puts a backup in its place takes nothing from a process that has it open: that goes
on in the old file, which nobody finds again, and posts that it has sent are sent once more after its next start.
"""

from pathlib import Path

from sqlalchemy import make_url

from shared.database.errors import FileReplaced

WAY_OUT = (
    "its file was removed or replaced while it was in use: put it back where it was; if another one is to be used, "
    "stop the service, put that one there, and start it"
)
Identity = tuple[int, int]
"""The number of its file system and its own."""


class SqliteFile:
    """Knows the file again."""

    def __init__(self, url: str) -> None:
        self._path = Path(make_url(url).database or "")
        self._first: Identity | None = None

    def check(self) -> None:
        """Raise FileReplaced where it is not there, or another one."""
        found = self._identity()
        if self._first is None:  # the first connection makes it
            self._first = found
        elif found != self._first:
            raise FileReplaced(WAY_OUT)

    def _identity(self) -> Identity | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
