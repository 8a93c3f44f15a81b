"""The processes of one machine: kept alive, heard, ended."""

import asyncio
import errno
import io
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.local.child import free_ports
from deploy.local.programs import Place
from deploy.local.running import NotReady, until_ready
from deploy.local.supervisor import Patience, Program, Supervisor
from tests.support.waiting import PATIENCE, eventually

_QUICK = Patience(before_restart=(0.01,), before_kill=0.3)
_FOREVER = "import threading; threading.Event().wait()"


def _python(name: str, code: str) -> Program:
    return Program(name, [sys.executable, "-u", "-c", code], dict(os.environ))


@asynccontextmanager
async def _supervised(*programs: Program) -> AsyncIterator[tuple[Supervisor, "Heard"]]:
    heard = Heard()
    supervisor = Supervisor(programs, patience=_QUICK, output=heard)
    await supervisor.start()
    try:
        yield supervisor, heard
    finally:
        await supervisor.stop()


class Heard(io.StringIO):
    """A terminal that can be waited on."""

    def __init__(self) -> None:
        super().__init__()
        self._flushed = asyncio.Event()

    def flush(self) -> None:
        super().flush()
        if hasattr(self, "_flushed"):
            self._flushed.set()

    async def until(self, condition: Callable[[str], bool]) -> str:
        async with asyncio.timeout(PATIENCE):
            while not condition(self.getvalue()):
                self._flushed.clear()
                await self._flushed.wait()
        return self.getvalue()


async def test_every_line_carries_the_name_of_its_program() -> None:
    async with _supervised(_python("a", f"print('one'); {_FOREVER}"), _python("long", f"print('two'); {_FOREVER}")) as (
        _,
        heard,
    ):
        said = await heard.until(lambda text: text.count("\n") == 2)

    assert set(said.splitlines()) == {"a    | one", "long | two"}


async def test_a_program_that_dies_is_started_again() -> None:
    async with _supervised(_python("fragile", "print('up'); exit(3)")) as (_, heard):
        said = await heard.until(lambda text: text.count("up\n") >= 2)

    assert "fragile | exited with code 3; starting again in 0.01 s" in said


async def test_a_program_is_started_again_once_the_machine_has_a_process_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spawn, refusals = asyncio.create_subprocess_exec, iter([errno.EAGAIN, errno.ENOMEM])

    async def spawn_if_there_is_room(*argv: str, **options: Any) -> asyncio.subprocess.Process:
        if refusal := next(refusals, None):
            raise OSError(refusal, os.strerror(refusal))
        return await spawn(*argv, **options)

    async with _supervised(_python("fragile", "print('up'); exit(3)")) as (_, heard):
        await heard.until(lambda text: "up\n" in text)
        monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn_if_there_is_room)
        said = await heard.until(lambda text: "up\n" in text.partition("could not be started")[2])

    assert "fragile | could not be started: [Errno 11] Resource temporarily unavailable; starting again" in said


async def test_a_line_longer_than_the_buffer_is_printed_whole_or_in_parts() -> None:
    async with _supervised(_python("loud", f"print('x' * 3_000_000); print('end'); {_FOREVER}")) as (_, heard):
        said = await heard.until(lambda text: "end\n" in text)

    assert said.count("x") == 3_000_000


async def test_a_program_deaf_to_sigterm_is_killed() -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf');" + _FOREVER
    async with _supervised(_python("deaf", deaf)) as (supervisor, heard):
        await heard.until(lambda text: "deaf\n" in text)
        (pid,) = supervisor.pids.values()

    assert not supervisor.pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_sigterm_reaches_all_programs_at_once() -> None:
    polite = "import signal; signal.signal(signal.SIGTERM, lambda *_: (print('bye'), exit(0))); print('hi');" + _FOREVER
    async with _supervised(_python("a", polite), _python("b", polite)) as (_, heard):
        await heard.until(lambda text: text.count("hi\n") == 2)

    assert heard.getvalue().count("bye\n") == 2
    assert "starting again" not in heard.getvalue()


async def test_a_program_whose_settings_cannot_be_used_is_not_started_again() -> None:
    async with _supervised(_python("refused", "print('TIMEBALL_X: no'); exit(2)")) as (supervisor, heard):
        said = await heard.until(lambda text: "not started again" in text)

        assert said == (
            "refused | TIMEBALL_X: no\n"
            "refused | exited with code 2; not started again before what it says above is mended\n"
        )
        assert supervisor.given_up == ["refused"]


async def test_nobody_waits_for_a_program_that_was_given_up() -> None:
    (port,) = free_ports(1)

    with pytest.raises(NotReady, match="cannot be started: scheduler; what is wrong is above"):
        await until_ready([Place("scheduler", port, port)], PATIENCE, print, given_up=["scheduler"])


class Full(io.StringIO):
    """Output to a disk that is full, or to a pipe that nobody reads."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_program_goes_on_and_is_started_again_where_its_words_cannot_be_shown(tmp_path: Path) -> None:
    done = tmp_path / "done"
    talks = f"for _ in range(2000): print('x' * 200)\nopen({str(done)!r}, 'a').write('once ')"
    supervisor = Supervisor([_python("talks", talks)], patience=_QUICK, output=Full())
    await supervisor.start()
    try:
        await eventually(lambda: done.exists() and done.read_text().count("once") > 1, what="it ran twice")
    finally:
        await supervisor.stop()


async def test_a_program_goes_on_while_its_words_stand_still(tmp_path: Path) -> None:
    done = tmp_path / "done"
    reading, writing = os.pipe()
    talks = f"for _ in range(2000): print('x' * 200)\nopen({str(done)!r}, 'a').write('once ')"
    with os.fdopen(reading), os.fdopen(writing, "w") as standing_still:
        supervisor = Supervisor([_python("talks", talks)], patience=_QUICK, output=standing_still)
        await supervisor.start()
        try:
            await eventually(lambda: done.exists() and done.read_text().count("once") > 1, what="it ran twice")
        finally:
            await supervisor.stop()
