"""Processes that the fork server makes: started in a moment, and used like those of asyncio."""

import asyncio
import atexit
import math
import os
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from deploy.local.child import Child, log_tail
from tests.support.fork_server import ROOT, Order
from tests.support.waiting import eventually


@dataclass
class Forked:
    """One process; as much of `asyncio.subprocess.Process` as tests use."""

    pid: int
    _report: int
    _code: int | None = field(default=None, init=False)

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs; as with asyncio, minus the number of the signal that killed it."""
        if self._code is None:
            with suppress(BlockingIOError):
                self._code = int(os.read(self._report, 16) or -signal.SIGKILL)  # the server takes all with it
                os.close(self._report)
        return self._code

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        await eventually(lambda: self.returncode is not None, within=math.inf, every=0.01)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal it, if it still runs."""
        if self.returncode is not None:
            raise ProcessLookupError(self.pid)
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The way to the fork server, which ends with this process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        log, name = tempfile.mkstemp(prefix="timeball-fork-server-", suffix=".log")
        os.close(log)
        self._log = Path(name)
        argv = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._child = Child(argv, {**os.environ, "PYTHONPATH": path}, self._log)
        self._child.start(keep_open=[theirs.fileno()])
        theirs.close()
        self._orders = ours

    def fork(self, order: Order, log: int) -> Forked:
        """Have a process made that writes to this file; blocks for a second where its libraries are not yet loaded."""
        report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        socket.send_fds(self._orders, [order.to_bytes()], [log, theirs.fileno()])
        theirs.close()
        said = report.recv(16)
        if not said:
            report.close()
            raise RuntimeError(f"the fork server ended\n{log_tail(self._log)}")
        report.setblocking(False)
        return Forked(int(said), report.detach())

    def close(self) -> None:
        """End the server, and what is left of its processes."""
        self._orders.close()
        self._child.kill()
        self._log.unlink()


@lru_cache
def _server() -> ForkServer:
    server = ForkServer()
    atexit.register(server.close)
    return server


async def fork(order: Order, log: int) -> Forked:
    """A process of the fork server that this one has, from the first call on."""
    return await asyncio.to_thread(_server().fork, order, log)
