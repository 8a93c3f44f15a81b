"""The broker of `timeball up`: the one that is named, else a private node, else one in Docker."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Protocol

from deploy.local.broker_node import BrokerNode
from deploy.local.child import NodeError
from deploy.local.docker_broker import DockerBroker, has_docker
from deploy.local.packages import PackagesMissingError, ensure_installed
from shared.connections.broker_address import broker_address

CHECK_SECONDS = 1.0
QUEUES_EVERY = 10
"""Of so many checks one looks at the queues as well: it costs seven milliseconds of processor time."""

Tell = Callable[[str], None]


class NoBroker(Exception):
    """There is no broker, and none can be started; the message says what to do."""


class LocalBroker(Protocol):
    """A broker that may be ours to start and stop; the methods block, but for `give_up`, which ends a start."""

    @property
    def url(self) -> str: ...
    @property
    def management(self) -> str | None: ...
    @property
    def running(self) -> bool: ...
    @property
    def has_failed_queues(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def give_up(self) -> None: ...


class NamedBroker:
    """The broker that TIMEBALL_BROKER_URL names; somebody else runs it."""

    management = None
    running = True
    has_failed_queues = False

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        """It is not ours to stop."""

    def give_up(self) -> None:
        """Its start is over at once."""


class PrivateBroker:
    """A RabbitMQ node of our own, from the installed package."""

    def __init__(self, directory: Path) -> None:
        self.node = BrokerNode(directory)

    @property
    def url(self) -> str:
        return self.node.url

    @property
    def management(self) -> str:
        return f"{self.node.management_url}  login {self.node.username} / {self.node.password}"

    @property
    def running(self) -> bool:
        return self.node.running

    @property
    def has_failed_queues(self) -> bool:
        return self.node.has_failed_queues

    def start(self) -> None:
        self.node.start()

    def stop(self) -> None:
        self.node.stop()

    def give_up(self) -> None:
        self.node.give_up()


@asynccontextmanager
async def running_broker(home: Path, tell: Tell) -> AsyncIterator[LocalBroker]:
    """A broker that is kept running for the length of the block, and stopped after it if it is ours."""
    broker = await asyncio.to_thread(_choose, home)
    tell(f"starting the broker ({type(broker).__name__.removesuffix('Broker').lower()})")
    await _start(broker)
    keeper = asyncio.create_task(_keep_running(broker, tell))
    try:
        yield broker
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await asyncio.to_thread(broker.stop)
        tell("stopped")


def _choose(home: Path) -> LocalBroker:
    if url := os.environ.get("TIMEBALL_BROKER_URL"):
        return NamedBroker(_understood(url))
    try:
        ensure_installed("rabbitmq-server")
    except PackagesMissingError as missing:
        if has_docker():
            return DockerBroker(home)
        raise NoBroker(
            f"{missing} Or start Docker, or set TIMEBALL_BROKER_URL to a broker (amqp://user:password@host:5672/)."
        ) from missing
    return PrivateBroker(home / "broker")


def _understood(url: str) -> str:
    try:
        return broker_address(url)
    except ValueError as error:
        raise NoBroker(f"TIMEBALL_BROKER_URL: {error}") from error


async def _start(broker: LocalBroker, *, again: bool = False) -> None:
    """Start the broker; whoever is told to stop meanwhile does not wait until it is ready."""
    start = partial(_start_again, broker) if again else broker.start
    starting = asyncio.create_task(asyncio.to_thread(start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        broker.give_up()
        with suppress(NodeError):
            await starting
            await asyncio.to_thread(broker.stop)  # it was there already
        raise
    except NodeError as error:
        raise NoBroker(str(error)) from error


def _start_again(broker: LocalBroker) -> None:
    broker.stop()
    broker.start()


async def _keep_running(broker: LocalBroker, tell: Tell) -> None:
    for number in count():
        await asyncio.sleep(CHECK_SECONDS)
        try:
            if trouble := await asyncio.to_thread(_trouble, broker, looks_at_queues=number % QUEUES_EVERY == 0):
                tell(f"{trouble}; starting it again")
                await _start(broker, again=True)
        except (NoBroker, OSError) as error:
            tell(f"the broker did not start: {error}")


def _trouble(broker: LocalBroker, *, looks_at_queues: bool) -> str | None:
    """Why the broker must be started again; None while it works."""
    if not broker.running:
        return "the broker has died"
    if looks_at_queues and broker.has_failed_queues:
        return "the broker's queues have failed, as they do on a full disk"
    return None
