"""`timeball up`: everything on one machine, from nothing to published posts, and gone without a trace."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy.local.child import clean_environment, free_ports, tied
from deploy.local.programs import PORTS
from tests.support.fork_server import ROOT
from tests.support.waiting import eventually

STOP_SECONDS = 90
COMMAND = [sys.executable, "-c", "from services.console.cli import main; main()"]


@dataclass
class Up:
    """One `timeball up`, with what it has printed."""

    env: Mapping[str, str]
    lines: list[str] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None

    async def start(self, *options: str) -> None:
        """Start it; it prints into a pipe, as under a supervisor."""
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *tied([*COMMAND, "up", *options]), env=self.env, cwd=ROOT, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def says(self, words: str) -> None:
        """Return once a line holds these words."""
        try:
            await eventually(lambda: any(words in line for line in self.lines), what=words)
        except AssertionError as error:
            error.add_note("\n".join(self.lines))
            raise

    def first_steps(self) -> list[str]:
        """The commands that it recommends, as printed."""
        first, end = self.lines.index("try, in another terminal:"), self.lines.index("Ctrl-C here stops everything")
        return self.lines[first + 1 : end]

    def services_that(self, word: str) -> list[str]:
        """The services that logged this event."""
        return sorted(line.split("|")[0].strip() for line in self.lines if word in line)

    async def stop_impatiently(self) -> int:
        """Its exit code after Ctrl-C has been pressed again and again."""
        assert self._process
        async with asyncio.timeout(STOP_SECONDS):
            while self._process.returncode is None and self.lines[-1] != "stopped":
                self._process.send_signal(signal.SIGINT)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), 0.2)
        return await self.stop()

    async def stop(self, *signals: signal.Signals) -> int:
        """Its exit code after these signals."""
        assert self._process and self._reader
        for one in signals:
            self._process.send_signal(one)
        code = await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        await self._reader
        return code

    async def read_no_more(self) -> None:
        """Leave, as a `tee` does that Ctrl-C ends as well."""
        assert self._process and self._reader
        self._reader.cancel()
        await asyncio.wait([self._reader])
        self._process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        self._reader = asyncio.create_task(asyncio.sleep(0))

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            self.lines.append(line.decode().rstrip())


def environment(home: Path, **more: str) -> dict[str, str]:
    """A machine of its own, at ports of its own."""
    ports = zip(PORTS, free_ports(len(PORTS)), strict=True)
    own = {f"TIMEBALL_{name.upper()}_HTTP_PORT": str(port) for name, port in ports}
    return clean_environment("TIMEBALL_") | own | {"TIMEBALL_HOME": str(home)} | more


def running_in(home: Path) -> list[str]:
    """The programs of this machine that were started for this home, zombies left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(home).encode() in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def open_databases(home: Path) -> list[str]:
    """Those that were not closed when their programs ended."""
    return sorted(file.name for file in home.glob("*.db-wal"))


async def asked(env: Mapping[str, str], *arguments: str) -> tuple[int, Any]:
    """The exit code of another command, and the JSON it printed."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, "--json", env=env, cwd=ROOT, stdout=pipe)
    output, _ = await process.communicate()
    return process.returncode or 0, json.loads(output) if output else None


async def typed_in_a_new_terminal(commands: list[str]) -> int:
    """The exit code of a shell that knows nothing yet, after the first command that fails, or all of them."""
    script = "\n".join(("set -e", "cd /", *commands))
    process = await asyncio.create_subprocess_exec("bash", "-c", script, env=clean_environment("TIMEBALL_"))
    return await process.wait()


async def test_everything_starts_publishes_stops_and_finds_its_data_again(tmp_path: Path) -> None:
    up = Up(environment(tmp_path, TIMEBALL_LOG_LEVEL="info"))
    try:
        await up.start()
        await up.says("4 of 4 published")
        await up.says("Timeball is up")
        await up.says("Ctrl-C here stops everything")
        assert await typed_in_a_new_terminal(up.first_steps()) == 0
        await up.says("published   post-")
        assert (
            len([line for line in up.lines if re.search(r"published +demo-\S+ on demo-(one|two), -?[\d.]+ ms", line)])
            == 4
        )

        assert await up.stop_impatiently() == 0
        assert up.lines[-1] == "stopped"
        assert up.services_that("service_started") == up.services_that("service_stopped") != [], "\n".join(up.lines)
        assert running_in(tmp_path) == []

        up = Up(up.env)
        await up.start("--no-demo")
        await up.says("Timeball is up")
        code, status = await asked({name: value for name, value in up.env.items() if "PORT" not in name}, "status")
        assert (code, status["stats"]["states"]["published"]) == (0, 5)

        assert await up.stop(signal.SIGTERM) == 0
        assert running_in(tmp_path) == []
    finally:
        await up.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_during_the_start_stops_what_has_been_started(number: signal.Signals, tmp_path: Path) -> None:
    up = Up(environment(tmp_path))
    try:
        await up.start()
        await up.says("starting the broker")

        assert await up.stop(number) == 0

        assert running_in(tmp_path) == []
    finally:
        await up.kill()


async def test_it_works_on_and_stops_in_good_order_when_nobody_reads_what_it_says(
    tmp_path: Path, amqp_vhost_url: str
) -> None:
    up = Up(environment(tmp_path, TIMEBALL_BROKER_URL=amqp_vhost_url))
    try:
        await up.start("--no-demo")
        await up.says("Ctrl-C here stops everything")
        await up.read_no_more()
        post = ["schedule", "Hello", "--to", "nobody", "--in", "1h"]
        code, _ = await asked({name: value for name, value in up.env.items() if "PORT" not in name}, *post)
        assert code == 0

        assert await up.stop(signal.SIGTERM) == 0

        assert running_in(tmp_path) == []
        assert open_databases(tmp_path) == []
    finally:
        await up.kill()


async def test_nothing_outlives_a_killed_up(tmp_path: Path, amqp_vhost_url: str) -> None:
    up = Up(environment(tmp_path, TIMEBALL_BROKER_URL=amqp_vhost_url))
    await up.start("--no-demo")
    await up.says("Timeball is up")

    await up.kill()

    await eventually(lambda: running_in(tmp_path) == [], what="all programs are gone")


async def test_a_program_that_does_not_become_ready_is_named(tmp_path: Path) -> None:
    (tmp_path / "console.db").write_text("this is no database")
    up = Up(environment(tmp_path))
    try:
        await up.start("--no-demo", "--patience", "1")
        await up.says("not ready after 1 s: ")
        assert any("not ready" in line and "console" in line for line in up.lines)

        assert await up.stop() == 1
        assert running_in(tmp_path) == []
    finally:
        await up.kill()
