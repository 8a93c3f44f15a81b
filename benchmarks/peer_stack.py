"""The peer: the stack Timeball grew from, BullMQ + PostgreSQL + undici, in `benchmarks/peer/`."""

import asyncio
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import usage
from benchmarks.backing import backing, listening
from deploy.local.child import free_ports, tied

SOURCES = Path(__file__).parent / "peer"
INSTALLED = Path(__file__).parent.parent / "var" / "benchmarks" / "peer"
PROGRAM = SOURCES / "peer.mjs"
RUN_SECONDS = 300
REDIS_OPTIONS = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")

Answer = dict[str, Any]


class PeerError(Exception):
    """The peer could not be installed or did not finish."""


@dataclass(frozen=True)
class Peer:
    """One peer program: ours, or another that understands the same arguments and environment."""

    name: str
    program: Path

    @property
    def is_own(self) -> bool:
        """Is it ours, which knows more modes?"""
        return self.program == PROGRAM

    async def run(self, home: Path, mode: str, posts: int, *options: str) -> Answer:
        """Run it on a fresh Redis and PostgreSQL; what it printed."""
        async with backing(home) as base, _redis(home) as port:
            database = base.postgres.create_database("peer").replace("+asyncpg", "")
            environment = {**os.environ, "REDIS_PORT": str(port), "PG_URL": database, "SINK": base.sink_url}
            before = usage.cpu_seconds()
            answer = await self._answer(environment, mode, str(posts), *options)
            return answer | {"cpu_ms_a_post": _cpu(usage.spent(before, usage.cpu_seconds()), posts)}

    async def _answer(self, environment: dict[str, str], *arguments: str) -> Answer:
        shutil.copy(self.program, INSTALLED)
        command = tied(["node", str(INSTALLED / self.program.name), *arguments])
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
        try:
            async with asyncio.timeout(RUN_SECONDS):
                printed, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise PeerError(f"{self.name} {' '.join(arguments)} failed\n{errors.decode()}")
        answer: Answer = json.loads(printed.splitlines()[-1])
        return answer


def _cpu(spent: Mapping[str, float], posts: int) -> float:
    """Milliseconds a post; the program itself has ended, so that it counts among the loader's children."""
    return round(usage.per_post(spent, posts) + 1000 * spent.get(usage.LOADER, 0) / posts, 2)


def is_available() -> bool:
    """Is everything here that the peer needs to run?"""
    return all(map(shutil.which, ("node", "npm", "redis-server")))


def install() -> None:
    """Bring the peer's packages up to date, in `var/`."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    wanted, present = SOURCES / "package.json", INSTALLED / "package.json"
    fresh = present.exists() and present.read_bytes() == wanted.read_bytes()
    for source in SOURCES.glob("*.mjs"):
        shutil.copy(source, INSTALLED)
    if fresh:
        return
    shutil.copy(wanted, present)
    done = subprocess.run(
        ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"],
        cwd=INSTALLED,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        present.unlink()
        raise PeerError(f"npm install failed\n{done.stderr}")


@asynccontextmanager
async def _redis(home: Path) -> AsyncIterator[int]:
    directory = home / "redis"
    directory.mkdir()
    (port,) = free_ports(1)
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(directory), *REDIS_OPTIONS]
    async with listening(command, os.environ, home / "redis.log", port):
        yield port
