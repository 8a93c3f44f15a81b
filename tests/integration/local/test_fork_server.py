"""What the fork server makes is a process like any other."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.fork_server import Order
from tests.support.forking import Forked, fork
from tests.support.waiting import eventually

SERVER = "http.server"
"""A program of Python's own that runs until it is ended."""


def said(log: Path) -> str:
    return log.read_text()


def open_files(process: Forked) -> set[int]:
    return {int(file.name) for file in Path(f"/proc/{process.pid}/fd").iterdir()}


async def forked(log: Path, module: str, *arguments: str, **env: str) -> Forked:
    with log.open("ab") as file:
        return await fork(Order(module, list(arguments), {"PATH": os.environ["PATH"], **env}, []), file.fileno())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where a process writes to."""
    return tmp_path / "log"


async def test_it_runs_a_module_as_the_program_with_its_arguments_environment_and_log(log: Path) -> None:
    process = await forked(log, "calendar", "2027", "3", COLUMNS="80")

    assert await process.wait() == 0
    assert "March 2027" in said(log)


async def test_it_tells_the_exit_code(log: Path) -> None:
    process = await forked(log, "calendar", "no year")

    assert await process.wait() == 2
    assert "usage: " in said(log)


async def test_it_can_be_killed_and_is_then_gone(log: Path) -> None:
    process = await forked(log, SERVER, "0", "--bind", "127.0.0.1")
    await eventually(lambda: "Serving" in said(log))
    assert process.returncode is None

    process.kill()

    assert await process.wait() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        process.kill()


async def test_each_has_a_session_of_its_own(log: Path) -> None:
    one, other = [await forked(log, SERVER, "0", "--bind", "127.0.0.1") for _ in range(2)]
    await eventually(lambda: said(log).count("Serving") == 2)

    assert [os.getsid(process.pid) for process in (one, other)] == [one.pid, other.pid]

    for process in (one, other):
        process.kill()
        await process.wait()


async def test_it_holds_none_of_the_files_of_the_server(log: Path) -> None:
    process = await forked(log, SERVER, "0", "--bind", "127.0.0.1")
    await eventually(lambda: "Serving" in said(log))

    assert open_files(process) == {0, 1, 2, 3}  # 3 is the socket that it serves on
    process.kill()
    await process.wait()
