"""Timeball as a test runs it: real processes at a real broker, accounts on a sink, and an ear for every fact."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.events.publisher import AccountConnected
from shared.events.requests import AccountConnectRequested, AccountLimits
from shared.events.scheduler import PublishRequested
from shared.process.home import Home
from shared.secrets.sealing import SealingKey, seal
from tests.fakes.sink import Sink
from tests.nodes import Broker, fresh_vhost
from tests.support.bus import Bus
from tests.support.processes import Process, environment
from tests.support.vhosts import vhosts_of

SECRET = "whsec_dGhlIGJhbGwgZHJvcHMgYXQgb25lIG8nY2xvY2s="


@dataclass
class System:
    """What a test starts and talks to."""

    folder: Path
    sink: Sink
    bus: Bus
    env: Mapping[str, str]
    processes: list[Process] = field(default_factory=list)

    async def start(
        self, service: str, *, module: str = "", ready: bool = True, env: Mapping[str, str] | None = None
    ) -> Process:
        """Start a service, and wait for it to be ready."""
        process = Process.of(service, {**self.env, **(env or {})}, self.folder, module=module)
        self.processes.append(process)
        await process.start()
        if ready:
            await process.ready()
        return process

    async def connect(
        self,
        account_id: str,
        platform: str = "sandbox",
        *,
        limits: AccountLimits | None = None,
        credentials: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        """Connect an account on the sink and wait until that is known."""
        await self.ask_to_connect(account_id, platform, limits=limits, credentials=credentials, **settings)
        await self.bus.fact(AccountConnected.type, account_id=account_id)

    async def ask_to_connect(
        self,
        account_id: str,
        platform: str = "sandbox",
        *,
        limits: AccountLimits | None = None,
        credentials: Mapping[str, Any] | None = None,
        sealed: str | None = None,
        **settings: Any,
    ) -> None:
        """Emit the request to connect an account."""
        request = AccountConnectRequested(
            account_id=account_id,
            platform=platform,
            settings={"url": f"{self.sink.url}/{account_id}"} | settings,
            sealed_credentials=sealed or seal(credentials or {}, self.sealing_key.public_key),
            limits=limits,
        )
        await self.bus.emit(request)

    def database_url(self, service: str) -> str:
        """Where a service keeps its data."""
        return self.env.get(f"TIMEBALL_{service.upper()}_DATABASE_URL") or Home(self.env["TIMEBALL_HOME"]).database_url(
            service
        )

    @property
    def sealing_key(self) -> SealingKey:
        """The publisher's key."""
        return SealingKey.from_base64(Home(self.env["TIMEBALL_HOME"]).sealing_key("publisher"))


@asynccontextmanager
async def system(folder: Path, broker: Broker, **databases: str) -> AsyncIterator[System]:
    """A system in which nothing runs yet, in a virtual host of its own; SQLite where no database is named."""
    with fresh_vhost(broker) as url:
        async with _system(folder, url, **databases) as running:
            yield running


@asynccontextmanager
async def running_system(
    folder: Path, broker: Broker, *services: str, env: Mapping[str, str] | None = None, **databases: str
) -> AsyncIterator[System]:
    """A system in which these services run, in a virtual host that is lent: for tests that change no queues."""
    with vhosts_of(broker).lent(*services) as lent:
        async with _system(folder, lent.url, **databases) as running:
            await started(running, *services, env=env)
            lent.declared()
            yield running


@asynccontextmanager
async def _system(folder: Path, url: str, **databases: str) -> AsyncIterator[System]:
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(Sink().serving())
        bus = await stack.enter_async_context(Bus.connected(url))
        running = System(folder, sink, bus, environment(folder / "home", url, **databases))
        stack.push_async_callback(_kill_all, running)
        yield running


async def started(running: System, *services: str, env: Mapping[str, str] | None = None) -> list[Process]:
    """These services, started side by side (one named twice has two replicas) and ready."""
    return list(await asyncio.gather(*(running.start(service, env=env) for service in services)))


async def _kill_all(running: System) -> None:
    await asyncio.gather(*(process.kill() for process in running.processes))


def in_seconds(seconds: float) -> datetime:
    """The instant so long from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def a_request(post_id: str, account_id: str = "plain", *, due_in: float = 2.5, **more: Any) -> PublishRequested:
    """A `publish.requested` as the scheduler sends it, due so many seconds from now."""
    usual = {"revision": 1, "content": "The ball drops.", "publish_at": in_seconds(due_in)}
    return PublishRequested.model_validate({"post_id": post_id, "account_id": account_id} | usual | more)
