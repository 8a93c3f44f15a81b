"""The programs that make pictures fit (`worker`): so many at once, kept from one picture to the next."""

import asyncio
import atexit
import os
import socket
import subprocess
import sys
from asyncio import Semaphore
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import Gauge
from pydantic_core import from_json, to_json

from services.publisher.media.errors import Unfit
from services.publisher.media.limits import PictureLimits

PROCESSES = max(min(os.cpu_count() or 1, 4), 1)
PROGRAM = "services.publisher.media.worker"
END_SECONDS = 2.0

WAITING = Gauge("timeball_media_waiting", "Pictures that wait to be made to fit, or are being made to fit")


class Crashed(Exception):
    """A worker ended in the middle of a job."""


class Worker:
    """One program, from this side."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        with theirs:
            program = [sys.executable, "-m", PROGRAM]
            self._process = subprocess.Popen(program, stdin=theirs.fileno(), stdout=subprocess.DEVNULL)  # noqa: S603

    async def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Have one job done; raises Crashed."""
        loop = asyncio.get_running_loop()
        answer = b""
        try:
            await loop.sock_sendall(self._socket, to_json(job) + b"\n")
            while not answer.endswith(b"\n"):
                part = await loop.sock_recv(self._socket, 65536)
                if not part:
                    raise Crashed
                answer += part
        except OSError as error:
            raise Crashed from error
        told: dict[str, Any] = from_json(answer)
        return told

    def end(self) -> None:
        """Let it end, which it does at once unless it is at work; blocks until it has."""
        self._socket.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


@dataclass
class Pool:
    """Jobs wait for a worker in the order in which they come."""

    turns: Semaphore = field(default_factory=lambda: Semaphore(PROCESSES))

    async def fit(self, source: Path, target: Path, limits: PictureLimits) -> dict[str, Any]:
        """Have the picture in one file made to fit into another; what it is then. Raises Unfit, and OSError."""
        with WAITING.track_inprogress():
            async with self.turns:
                told = await _asked({"source": str(source), "target": str(target), "limits": asdict(limits)})
        if "trouble" in told:
            raise OSError(told["trouble"])
        if "reason" in told:
            raise Unfit(told["reason"], told["code"])
        return told


IDLE: list[Worker] = []
"""All programs that are started and have nothing to do."""


async def _asked(job: dict[str, Any]) -> dict[str, Any]:
    """A worker is started with the first picture that needs it. An idle one may have ended; a new one has crashed."""
    while True:
        while IDLE:
            with suppress(Crashed):
                return await _asked_of(IDLE.pop(), job)
        worker = await asyncio.to_thread(_started)
        if worker in IDLE:
            IDLE.remove(worker)
            break
    try:
        return await _asked_of(worker, job)
    except Crashed as error:
        raise Unfit("it is more than a program that reads pictures can bear", "media_unreadable") from error


def _started() -> Worker:
    """A new program, idle from the start: one that nobody waits for any more, as the job was cancelled, is not lost."""
    worker = Worker()
    IDLE.append(worker)
    return worker


async def _asked_of(worker: Worker, job: dict[str, Any]) -> dict[str, Any]:
    """One whose job broke off is never asked again."""
    try:
        told = await worker.ask(job)
    except BaseException:
        asyncio.get_running_loop().run_in_executor(None, worker.kill)
        raise
    IDLE.append(worker)
    return told


@atexit.register
def end_all() -> None:
    """End all programs that have nothing to do."""
    while IDLE:
        IDLE.pop().end()
