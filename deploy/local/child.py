"""A child process that never outlives this one, and the ports, waits and log tails that go with it."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

# The kernel sends the death signal when the *thread* that started the child ends, so one thread that lives as long
# as this process starts them all. https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

# Below the ephemeral range: a client that keeps reconnecting to a port in that range while its server is down will
# sooner or later be given the same port as its source, connect to itself, and keep the server from coming back.
PORTS = range(20_000, 32_000)
_given: set[int] = set()


class NodeError(RuntimeError):
    """A local node cannot run; the message says why and what to do."""


class Account(TypedDict, total=False):
    """The arguments of `subprocess` that choose who runs the program."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass
class Child:
    """One program in the background, its output in `log`, deaf to Ctrl-C and tied to the life of this process."""

    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    user: str | None = None
    on_parent_death: signal.Signals = signal.SIGKILL
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, *, keep_open: Sequence[int] = ()) -> None:
        """Start the program; it inherits the file descriptors in `keep_open`."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = _SPAWNER.submit(self._spawn, keep_open).result()

    def stop(self, signal_: signal.Signals = signal.SIGTERM, *, grace: float) -> None:
        """Ask the program to end, and end it after `grace` seconds."""
        if self._process is None:
            return
        self._process.send_signal(signal_)
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the program at once, and what it has started in its group, as launch scripts do."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def running(self) -> bool:
        """Is the program alive?"""
        return self._process is not None and self._process.poll() is None

    @property
    def status(self) -> int | None:
        """What the program ended with, or minus the signal that ended it; None while it is alive."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """The process id, or None before the start."""
        return self._process.pid if self._process else None

    def _spawn(self, keep_open: Sequence[int]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                tied(self.argv, self.on_parent_death),
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=keep_open,
                **account(self.user),
            )


def tied(argv: Sequence[str], on_parent_death: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line that runs `argv` and has the kernel signal it when its parent dies (Linux only)."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(argv)
    return [setpriv, "--pdeathsig", on_parent_death.name.removeprefix("SIG"), "--", *argv]


def account(user: str | None) -> Account:
    """How `subprocess` becomes this user (None: stays who we are)."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def clean_environment(*drop: str) -> dict[str, str]:
    """Our environment without the variables that start with one of these prefixes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(drop)}


def free_ports(count: int) -> list[int]:
    """Different loopback TCP ports that nobody listens on, and that were not given to anybody in this process before:
    whoever was may not listen yet."""
    left = [port for port in PORTS if port not in _given] or list(PORTS)
    candidates = random.SystemRandom().sample(left, k=len(left))  # whoever seeds `random` takes others' ports
    found = [port for port, _ in zip(filter(is_free, candidates), range(count), strict=False)]
    if len(found) < count:
        raise NodeError(f"fewer than {count} free ports between {PORTS.start} and {PORTS.stop}")
    _given.update(found)
    return found


def is_free(port: int) -> bool:
    """Could a server listen on this loopback port now?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until(condition: Callable[[], bool], *, within: float, every: float = 0.05) -> bool:
    """Ask until the answer is yes; False when `within` seconds were not enough."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def log_tail(*logs: Path, lines: int = 40) -> str:
    """The last lines of each log that exists."""
    return "\n".join(
        f"--- {log}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
        for log in logs
        if log.exists()
    )
