"""Timeball as it runs in production, on one machine: services, broker, database, and accounts on the sink."""

import asyncio
import base64
import json
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from cryptography.fernet import Fernet
from nacl.public import PrivateKey, SealedBox

from benchmarks.backing import STOP_SECONDS, Backing, backing
from benchmarks.broker import Broker
from benchmarks.posts import ACCOUNTS
from deploy.local.broker_node import BrokerNode
from deploy.local.child import Child, NodeError, clean_environment, free_ports, log_tail, wait_until

ROOT = Path(__file__).parent.parent
CORE = ("scheduler", "publisher")
EVERY = ("scheduler", "publisher", "console", "monitor", "maintenance")
READY_SECONDS = 60
CONNECTED = "account.connected"
_LAST_OUTCOME = """
SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float FROM publications WHERE state = 'published'
"""


@dataclass(frozen=True)
class System:
    """A running system, and the benchmarks' connection to its broker."""

    broker: Broker
    services: tuple[str, ...]
    publisher_database_url: str
    publisher_key: PrivateKey = field(repr=False)
    sink_url: str = ""

    async def connect(self, url: str, *accounts: str, limits: Mapping[str, int] | None = None) -> None:
        """Connect sandbox accounts that post to a URL."""
        await self.connect_to("sandbox", {"url": url}, {}, *accounts, limits=limits)

    async def connect_to(
        self,
        platform: str,
        settings: Mapping[str, str],
        credentials: Mapping[str, str],
        *accounts: str,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """Connect accounts of a platform, all alike."""
        connected = self.broker.counts[CONNECTED] + len(accounts)
        box = SealedBox(self.publisher_key.public_key)
        for account in accounts:
            request = {
                "account_id": account,
                "platform": platform,
                "settings": settings,
                "limits": limits,
                "sealed_credentials": _base64(box.encrypt(json.dumps(credentials).encode())),
            }
            await self.broker.emit("account.connect_requested", json.dumps(request).encode())
        await self.broker.wait(CONNECTED, connected, within=READY_SECONDS)

    async def last_recorded_at(self) -> float:
        """When the last outcome was committed, in seconds since the epoch."""
        connection = await asyncpg.connect(self.publisher_database_url.replace("+asyncpg", ""))
        try:
            committed_at: float = await connection.fetchval(_LAST_OUTCOME)
        finally:
            await connection.close()
        return committed_at


@asynccontextmanager
async def system(home: Path, services: Sequence[str] = CORE) -> AsyncIterator[System]:
    """Run the services (one named twice has two replicas) in `home`, with the accounts connected."""
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(backing(home))
        node = BrokerNode(home / "broker")
        await asyncio.to_thread(node.start)
        stack.push_async_callback(asyncio.to_thread, node.stop)
        keys = {name: PrivateKey.generate() for name in EVERY}
        environment = _environment(base, node.url, sorted(set(services)), keys)
        for replica, name in enumerate(services):
            await stack.enter_async_context(service(name, replica, home, environment, *free_ports(1)))
        broker = await Broker.connect(node.url)
        stack.callback(broker.close)
        running = System(
            broker,
            tuple(services),
            environment["TIMEBALL_PUBLISHER_DATABASE_URL"],
            keys["publisher"],
            f"{base.sink_url}/p",
        )
        await running.connect(f"{base.sink_url}/p", *ACCOUNTS)
        yield running


def _environment(
    base: Backing, broker_url: str, services: Sequence[str], keys: dict[str, PrivateKey]
) -> dict[str, str]:
    databases = {f"TIMEBALL_{name.upper()}_DATABASE_URL": base.postgres.create_database(name) for name in services}
    sealing = {f"TIMEBALL_{name.upper()}_SEALING_KEY": _base64(bytes(key)) for name, key in keys.items()}
    return {
        **clean_environment("TIMEBALL_"),
        **databases,
        **sealing,
        "TIMEBALL_HOME": str(base.home / "timeball"),
        "TIMEBALL_BROKER_URL": broker_url,
        "TIMEBALL_SECRET_KEYS": Fernet.generate_key().decode(),
        "TIMEBALL_ALLOW_PRIVATE_ADDRESSES": "true",
        "TIMEBALL_LOG_LEVEL": "warning",
        "PYTHONPATH": str(ROOT),
    }


@asynccontextmanager
async def service(
    name: str, replica: int, home: Path, environment: Mapping[str, str], port: int
) -> AsyncIterator[Child]:
    """Run one service for as long as the block, which begins when it is ready."""
    log = home / f"{name}-{replica}.log"
    port_of = {f"TIMEBALL_{name.upper()}_HTTP_PORT": str(port)}
    child = Child([sys.executable, "-m", f"services.{name}"], {**environment, **port_of}, log)
    child.start()
    try:
        if not await asyncio.to_thread(_becomes_ready, child, port):
            what = f"not ready after {READY_SECONDS} s" if child.running else f"gone, with status {child.status}"
            raise NodeError(f"{name} is {what}\n{log_tail(log)}")
        yield child
    finally:
        await asyncio.to_thread(child.stop, grace=STOP_SECONDS)


def _becomes_ready(child: Child, port: int) -> bool:
    wait_until(lambda: _is_ready(port) or not child.running, within=READY_SECONDS)
    return child.running and _is_ready(port)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _base64(secret: bytes) -> str:
    return base64.b64encode(secret).decode()
