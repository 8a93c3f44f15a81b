"""Home: the folder of the local mode, with the databases and the keys that are made once.

Any number of processes may start at once: the first to link a finished key file wins, and the others read it.
"""

import base64
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.fernet import Fernet

from shared.process.unusable_home import HomeUnusable
from shared.secrets.sealing import SealingKey

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Home:
    """TIMEBALL_HOME: made on first use, readable by its owner only."""

    def __init__(self, path: Path | str = "var") -> None:
        self.path = Path(path).absolute()

    def secret_keys(self) -> str:
        """The Fernet key that encrypts secrets at rest."""
        return self._once("secret_keys", lambda: Fernet.generate_key().decode())

    def sealing_key(self, service: str) -> str:
        """The service's private sealing key, base64."""
        return self._once(f"{service}.sealing_key", lambda: SealingKey.generate().private_key)

    def public_key(self, service: str) -> str:
        """The service's public sealing key, base64: as it was handed to this home, or derived from the private key."""
        handed = self.path / "keys" / f"{service}.public_key"
        if handed.exists():
            return handed.read_text().strip()
        return SealingKey.from_base64(self.sealing_key(service)).public_key

    def callback_secret(self) -> str:
        """The secret that callbacks are signed with: `whsec_…`."""
        return self._once("callback_secret", lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}")

    @property
    def callback_secret_file(self) -> Path:
        """Where that secret is, for those who verify callbacks."""
        return self.path / "keys" / "callback_secret"

    def api_token(self) -> str:
        """The console's first admin token."""
        return self._once("api_token", lambda: secrets.token_urlsafe(32))

    def database_url(self, service: str) -> str:
        """The SQLAlchemy URL of the service's own SQLite file; what SQLite makes beside it has the file's mode."""
        with _usable():
            _make_private(self.path)
            file = self.path / f"{service}.db"
            file.touch(mode=0o600)
            for one in self.path.glob(f"{file.name}*"):
                _close_to_others(one)
        return f"sqlite+aiosqlite:///{file.as_posix()}"

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The home is one process's for the length of the block, or until that is killed; HomeUnusable for others."""
        with _usable():
            _make_private(self.path)
            descriptor = os.open(self.path / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            reason = f"`timeball up` already runs in {self.path}: stop it, or name another folder"
            raise HomeUnusable(f"TIMEBALL_HOME: {reason}") from error
        try:
            yield
        finally:
            os.close(descriptor)

    def _once(self, name: str, make: Callable[[], str]) -> str:
        with _usable():
            key_file = self._keys_folder() / name
            if not key_file.exists():
                _create_whole(key_file, make())
            _close_to_others(key_file)
            return key_file.read_text().strip()

    def _keys_folder(self) -> Path:
        _make_private(self.path)
        _make_private(self.path / "keys")
        return self.path / "keys"


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        raise HomeUnusable(f"TIMEBALL_HOME: name a folder that can be written to ({reason})") from error


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close_to_others(folder)


def _close_to_others(path: Path) -> None:
    """Take from group and others what they may do, as far as the path is ours: /tmp stays as it is."""
    with suppress(OSError):  # on a read-only volume it stays as its owner made it
        found = path.stat()
        if found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX and found.st_mode & OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def _create_whole(path: Path, text: str) -> None:
    """Create `path` with all of `text` at once, unless another process has created it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_private(draft, text)
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
