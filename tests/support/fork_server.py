"""A program that has the services' libraries in memory and forks a process for each order: `… fork_server SOCKET`.

Python and the imports cost a service a second of CPU at each start, a fork hardly any. What is forked goes on as
`python -m MODULE` would from there: with its own session, environment and log, and it can be killed like any other.
Each order brings the file for the log, and a socket that is told the process id and, at its end, the exit code.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
BIGGEST_ORDER = 1 << 20
ROOT = Path(__file__).parent.parent.parent
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Order:
    """What to run, and what it needs in memory."""

    module: str
    arguments: list[str]
    env: dict[str, str]
    imports: list[str]

    def to_bytes(self) -> bytes:
        return json.dumps(vars(self)).encode()

    @classmethod
    def from_bytes(cls, sent: bytes) -> "Order":
        fields: dict[str, Any] = json.loads(sent)
        return cls(**fields)


def serve(orders: socket.socket) -> Order | None:
    """Fork for each order until the socket is closed; in the fork, the order that it is for."""
    with selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data:
                    selector.unregister(key.fd)
                    _report_end(key.fd, *key.data)
                    continue
                sent, files, _, _ = socket.recv_fds(orders, BIGGEST_ORDER, 2)
                if not sent:
                    return None
                order, (log, report) = Order.from_bytes(sent), files
                child = _fork(order)
                if not child:
                    _become(log)
                    return order
                os.close(log)
                os.write(report, str(child).encode())
                selector.register(os.pidfd_open(child), selectors.EVENT_READ, (child, report))


def _fork(order: Order) -> int:
    """The id of the new process, 0 in that process."""
    for module in order.imports:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # a collection writes to every object that it looks at, and the processes share what they do not write
    server = os.getpid()
    child = os.fork()
    if not child:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(1)
    return child


def _report_end(handle: int, child: int, report: int) -> None:
    _, status = os.waitpid(child, 0)
    os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(report)
    os.close(handle)


def _become(log: int) -> None:
    """Be a process of one's own: with a session, and a log."""
    os.setsid()
    os.chdir(ROOT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, usual in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, usual)


def main() -> None:
    """Serve; and in each fork, run what was ordered."""
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        order = serve(orders)
    if order is None:
        return
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(order.env)
    sys.argv[1:] = order.arguments
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
