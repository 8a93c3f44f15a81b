"""A private PostgreSQL cluster for tests and benchmarks: loopback only, gone when its parent is gone."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.child import Child, NodeError, account, clean_environment, free_ports, is_free, log_tail, wait_until

_SUPERUSER = "postgres"
_STARTUP_SECONDS = 180
_SHUTDOWN_SECONDS = 15
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresNode:
    """PostgreSQL from the installed package with all its files in `directory`.

    `durable=False` trades safety in a power cut for speed, which is what tests want; `settings` (`name=value`) are
    PostgreSQL's own. Whoever can reach the loopback interface is let in without a password. The methods block.
    """

    def __init__(self, directory: Path, *, durable: bool, settings: Sequence[str] = ()) -> None:
        self.directory = directory.resolve()
        self.durable = durable
        self.settings = settings
        self.port = 0
        self._user = _server_user()
        self._server: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the cluster, made the first time, answers; raise NodeError with the end of its log if not."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not (self._cluster / "PG_VERSION").exists():
            self._make_cluster()
        if not (self.port and is_free(self.port)):
            (self.port,) = free_ports(1)
        self._server = Child(
            self._command(), _environment(), self._log, user=self._user, on_parent_death=signal.SIGQUIT
        )
        self._server.start()
        self._await(self._server)

    def stop(self) -> None:
        """Shut down in good order, open connections notwithstanding."""
        if self._server:
            self._server.stop(signal.SIGINT, grace=_SHUTDOWN_SECONDS)

    def kill(self) -> None:
        """End it as a power cut would; the next start recovers from the log."""
        if self._server:
            # SIGKILL would leave backends behind that keep the next start waiting for the shared memory.
            self._server.stop(signal.SIGQUIT, grace=_SHUTDOWN_SECONDS)

    def create_database(self, name: str) -> str:
        """Make an empty database; its SQLAlchemy address."""
        self._run("createdb", name)
        return self.address(name)

    def address(self, name: str) -> str:
        """The SQLAlchemy address of a database."""
        return f"postgresql+asyncpg://{_SUPERUSER}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, name: str) -> None:
        """Remove the database, whoever is connected to it."""
        self._run("dropdb", "--force", name)

    @property
    def _cluster(self) -> Path:
        return self.directory / "cluster"

    @property
    def _log(self) -> Path:
        return self.directory / "postgres.log"

    def _make_cluster(self) -> None:
        self._cluster.mkdir(mode=0o700, exist_ok=True)
        if self._user:
            shutil.chown(self._cluster, self._user)
        command = ["initdb", "-D", str(self._cluster), "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale"]
        made = subprocess.run(
            [find_program(command[0]), *command[1:], *([] if self.durable else ["--no-sync"])],
            **account(self._user),
            env=_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise NodeError(
                f"initdb failed in {self._cluster}, as user {self._user or 'of this process'}\n{made.stderr}"
            )

    def _command(self) -> list[str]:
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=200",
            *(() if self.durable else _CARELESS),
            *self.settings,
        ]
        options = [option for setting in settings for option in ("-c", setting)]
        return [find_program("postgres"), "-D", str(self._cluster), *options]

    def _await(self, server: Child) -> None:
        if wait_until(lambda: self._answers() or not server.running, within=_STARTUP_SECONDS) and server.running:
            return
        outcome = f"was not ready within {_STARTUP_SECONDS} s" if server.running else "ended during its start"
        server.kill()
        raise NodeError(f"PostgreSQL {outcome}\n{log_tail(self._log)}")

    def _answers(self) -> bool:
        return self._client("pg_isready", "--quiet").returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = self._client(program, *arguments)
        if done.returncode:
            raise NodeError(f"{program} failed: {done.stderr.strip()}")

    def _client(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", _SUPERUSER]
        command = [find_program(program), *address, *arguments]
        return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)


def find_program(name: str) -> str:
    """One of PostgreSQL's programs, the newest version where there are several."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise NodeError(f"{name} is not installed; install PostgreSQL (Debian: apt-get install postgresql)")
    return found


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root; None where we are somebody else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return _SUPERUSER if _SUPERUSER in known else "nobody"


def _environment() -> dict[str, str]:
    return clean_environment("PG")
