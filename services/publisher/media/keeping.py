"""Keeping: fetched and fitted pictures are files, so that none takes memory while its post waits.

Equal pictures are one file. A file is deleted once nobody holds it. What a killed publisher has left is removed by the
next one on the machine. The files lie in the system's temporary directory (`TMPDIR`), readable by us alone.
"""

import atexit
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO
from weakref import WeakValueDictionary, finalize

from prometheus_client import Gauge

PREFIX, LOCK = "timeball-media-", "lock"
MOST_KEPT = 1024**3
"""Bytes of all pictures kept. While there are more, no post begins to fetch its own."""
CHUNK = 256 * 1024

KEPT = Gauge("timeball_media_kept_bytes", "Bytes of fetched and fitted pictures in temporary files")


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class File:
    """The bytes of a picture. Equal bytes are the same file, which is there as long as somebody holds it."""

    path: Path = field(repr=False)
    size: int
    digest: str

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """The bytes, some at a time; blocks while it reads."""
        with self.path.open("rb") as file:
            while chunk := file.read(size):
                yield chunk


class PictureFiles:
    """The files of this process, in a directory of its own."""

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._files: WeakValueDictionary[str, File] = WeakValueDictionary()
        self._numbers = count()
        self.kept = 0

    @property
    def is_full(self) -> bool:
        """Whether there should be no more for the moment."""
        return self.kept >= MOST_KEPT

    @property
    def are_gone(self) -> bool:
        """Whether somebody has removed them all, as what cleans temporary directories does after days without any."""
        return self._directory is not None and not self._directory.is_dir()

    def new_path(self) -> Path:
        """Where a new file may be written."""
        if self._directory is None or self.are_gone:
            self._directory = own_directory()
        return self._directory / str(next(self._numbers))

    def keep(self, path: Path, size: int, digest: str) -> File:
        """The file that was written there, or the one that has the same bytes."""
        known = self._files.get(digest)
        if known and known.path.exists():
            path.unlink()
            return known
        file = File(path, size, digest)
        self._files[digest] = file
        self._count(size)
        finalize(file, self._delete, path, size)
        return file

    def _delete(self, path: Path, size: int) -> None:
        path.unlink(missing_ok=True)
        self._count(-size)

    def _count(self, size: int) -> None:
        self.kept += size
        KEPT.set(self.kept)


class Writing:
    """A file being written, with its size and digest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        self._file: IO[bytes] | None = None

    @property
    def digest(self) -> str:
        """What tells its bytes from all others."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Append; blocks while it writes."""
        if self._file is None:
            self._file = self.path.open("xb")
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def close(self) -> None:
        """Finish."""
        self.write(b"")
        assert self._file is not None, "it has been opened"
        self._file.close()

    def discard(self) -> None:
        """Delete what was written."""
        if self._file is not None:
            self._file.close()
            self.path.unlink(missing_ok=True)


def own_directory() -> Path:
    """A new directory that is gone when this process is; those of dead processes are removed."""
    for other in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_if_left_behind(other)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(directory / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _remove_if_left_behind(directory: Path) -> None:
    """A living process holds the lock in its directory."""
    try:
        lock = os.open(directory / LOCK, os.O_RDWR)
    except OSError:  # another user's, or one that is just being made or removed
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(lock)
    shutil.rmtree(directory, ignore_errors=True)
