"""Real processes of a service: started, found ready, ended in good order or killed."""

import asyncio
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.child import clean_environment, free_ports, log_tail
from tests.support.fork_server import Order
from tests.support.forking import Forked, fork
from tests.support.waiting import PATIENCE, eventually

LOADED_AT_START = (
    "shared.process.main",  # Alembic
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "anyio._backends._asyncio",
)
"""What every service loads only while it starts."""


@dataclass
class Process:
    """One process of a service, its output in `log`."""

    order: Order
    log: Path
    port: int
    _process: Forked | None = field(default=None, init=False)

    @classmethod
    def of(cls, service: str, env: Mapping[str, str], folder: Path, *, module: str = "") -> "Process":
        """`python -m services.<service>`, or `python -m <module> <service>`, with a free port for its health."""
        (port,) = free_ports(1)
        own = {f"TIMEBALL_{service.upper()}_HTTP_PORT": str(port)}
        imports = [f"services.{service}.app", *LOADED_AT_START]
        order = Order(module or f"services.{service}", [service] if module else [], {**env, **own}, imports)
        return cls(order, folder / f"{service}-{port}.log", port)

    async def start(self) -> None:
        """Start it; it may not be ready yet."""
        with self.log.open("ab") as log:
            self._process = await fork(self.order, log.fileno())

    async def ready(self) -> None:
        """Return once it says that it is really consuming."""
        try:
            await eventually(self._is_ready_or_gone, every=0.1, what=f"{self.name} is ready")
            assert self.running, f"{self.name} ended during its start"
        except AssertionError as error:
            error.add_note(f"{self.problems()}\n{log_tail(self.log)}")
            raise

    async def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self.running:
            self.process.kill()
            await self.process.wait()

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            return await asyncio.wait_for(self.process.wait(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"{self.name} runs on after {PATIENCE:g} s\n{log_tail(self.log)}") from None

    @property
    def name(self) -> str:
        return self.log.stem

    @property
    def process(self) -> Forked:
        assert self._process is not None, "not started"
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def problems(self) -> dict[str, Any] | str:
        """What `/readyz` says is wrong; empty when nothing is."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                problems: dict[str, Any] = json.load(answer)["problems"]
                return problems
        except urllib.error.HTTPError as error:
            with error:
                return str(error.read())
        except OSError as error:
            return repr(error)

    async def is_ready(self) -> bool:
        """Whether `/readyz` says so now."""
        return await asyncio.to_thread(self.problems) == {}

    async def _is_ready_or_gone(self) -> bool:
        return not self.running or (self._has_started and await self.is_ready())

    @property
    def _has_started(self) -> bool:
        """Whether it says so itself: to ask before costs it as much as a step of its start."""
        return '"service_started"' in self.log.read_text()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log with this event name."""
        lines = (line for line in self.log.read_text().splitlines() if f'"{event}"' in line)
        return [line for line in map(json.loads, lines) if line.get("event") == event]


def environment(home: Path, broker_url: str, **databases: str) -> dict[str, str]:
    """What a service needs to run on its own, its data in `home`; `publisher=URL` names a database."""
    urls = {f"TIMEBALL_{service.upper()}_DATABASE_URL": url for service, url in databases.items()}
    return clean_environment("TIMEBALL_") | {
        "TIMEBALL_HOME": str(home),
        "TIMEBALL_BROKER_URL": broker_url,
        "TIMEBALL_ALLOW_PRIVATE_ADDRESSES": "true",
        "TIMEBALL_LOG_FORMAT": "json",
        **urls,
    }
