"""The processes of `timeball up`: started together, kept alive, shown on one terminal, stopped together."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, cycle
from typing import TextIO

from deploy.local.child import tied
from shared.process.output import Output

_COLOURS = (36, 33, 32, 35, 34, 31)
_LONGEST_LINE = 1 << 20
_LAST_WORDS_SECONDS = 1
REFUSED = 2
"""The exit code of a program that would end so at each start: its settings, folder or database cannot be used."""


@dataclass(frozen=True)
class Program:
    """What to run, and the name it is known by on the terminal."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: before each restart in a row, for a proof of stability, for an orderly end."""

    before_restart: Sequence[float] = (1, 2, 5, 10)
    until_stable: float = 60
    before_kill: float = 15


class Supervisor:
    """Runs programs until it is told to stop; start it in the main thread, whose end is the end of them all."""

    def __init__(
        self, programs: Sequence[Program], *, patience: Patience | None = None, output: TextIO | None = None
    ) -> None:
        self._programs = programs
        self._patience = patience or Patience()
        self._output = Output(output or sys.stdout)
        self._prefixes = _prefixes([program.name for program in programs], coloured=_is_coloured(self._output))
        self._running: dict[str, Process] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self.given_up: list[str] = []
        """The programs that are not started again, because they would end at once again."""

    async def start(self) -> None:
        """Start every program; they run when this returns, which says nothing about their being ready."""
        self._stopping.clear()
        for program in self._programs:
            process = await self._spawn(program)
            self._keepers.append(asyncio.create_task(self._keep_alive(program, process)))

    async def stop(self) -> None:
        """Ask all programs to end, end those that take too long, and return when none is left."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        if not self._keepers:
            return
        _, late = await asyncio.wait(self._keepers, timeout=self._patience.before_kill)
        if late:
            self._signal(signal.SIGKILL)
        await asyncio.gather(*self._keepers)
        self._keepers.clear()

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the programs that run now."""
        return {name: process.pid for name, process in self._running.items()}

    def say(self, name: str, line: str) -> None:
        """Print one line under the name of a program, if it can be printed: a full disk, or a terminal that stands
        still, must not stop what talks."""
        self._output.write(f"{self._prefixes[name]}{line}\n")

    async def _keep_alive(self, program: Program, process: Process) -> None:
        failures = 0
        while True:
            started_at = time.monotonic()
            await self._attend(program, process)
            if self._stopping.is_set():
                return
            if process.returncode == REFUSED:
                self.say(program.name, f"{_ending(process)}; not started again before what it says above is mended")
                self.given_up.append(program.name)
                return
            failures = 1 if time.monotonic() - started_at > self._patience.until_stable else failures + 1
            again = await self._spawn_again(program, _ending(process), failures)
            if again is None:
                return
            process = again

    async def _spawn(self, program: Program) -> Process:
        process = await asyncio.create_subprocess_exec(
            *tied(program.argv),
            env=program.env,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C is for us; they hear of it by SIGTERM
            limit=_LONGEST_LINE,
        )
        self._running[program.name] = process
        if self._stopping.is_set():  # while it was being started
            process.terminate()
        return process

    async def _attend(self, program: Program, process: Process) -> None:
        relay = asyncio.create_task(self._relay(program.name, process))
        await process.wait()
        del self._running[program.name]
        # A grandchild may hold the pipe open for ever.
        await asyncio.wait({relay}, timeout=_LAST_WORDS_SECONDS)
        relay.cancel()

    async def _relay(self, name: str, process: Process) -> None:
        stream = process.stdout
        while stream and (line := await _next_line(stream)):
            self.say(name, line.decode(errors="replace").rstrip())

    async def _spawn_again(self, program: Program, ending: str, failures: int) -> Process | None:
        """The program's next process, however often the machine has none to give; None once all are to end."""
        waits = self._patience.before_restart
        for failure in count(failures):
            delay = waits[min(failure, len(waits)) - 1]
            self.say(program.name, f"{ending}; starting again in {delay:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            if self._stopping.is_set():
                break
            try:
                return await self._spawn(program)
            except OSError as error:
                ending = f"could not be started: {error}"
        return None

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)


async def _next_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readuntil()
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as overrun:
        return await stream.readexactly(overrun.consumed)


def _ending(process: Process) -> str:
    code = process.returncode or 0
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"


def _prefixes(names: Sequence[str], *, coloured: bool) -> dict[str, str]:
    width = max(map(len, names), default=0)
    plain = {name: f"{name:<{width}} | " for name in names}
    if not coloured:
        return plain
    return {name: f"\x1b[{colour}m{plain[name]}\x1b[0m" for name, colour in zip(names, cycle(_COLOURS), strict=False)}


def _is_coloured(output: Output) -> bool:
    return output.isatty() and "NO_COLOR" not in os.environ
