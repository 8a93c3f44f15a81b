"""Real brokers for tests: a private node by default, a container on request, one vhost for each test."""

import asyncio
import base64
import json
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote
from uuid import uuid4

from testcontainers.core.container import DockerContainer

from deploy.local.amqp_login import accepts_login
from deploy.local.broker_node import BrokerNode
from deploy.local.child import NodeError, free_ports, wait_until
from deploy.local.docker_broker import IMAGE
from tests.support.waiting import PATIENCE


class Broker(Protocol):
    """A RabbitMQ that tests may stop, kill and start again; every method blocks."""

    def __hash__(self) -> int: ...

    @property
    def url(self) -> str: ...

    @property
    def management_url(self) -> str: ...

    @property
    def username(self) -> str: ...

    @property
    def password(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def restart(self) -> None: ...


SELDOM = "-rabbit quorum_tick_interval 60000"
"""Quorum queues tell RabbitMQ's pages how full they are; each 5 s, a hundred idle ones cost 1 % of a core."""


@contextmanager
def private_broker(directory: Path) -> Iterator[Broker]:
    """A node from the installed package, its data thrown away at the end."""
    node = BrokerNode(directory, erlang=SELDOM)
    node.start()
    try:
        yield node
    finally:
        node.kill()


class BrokerContainer:
    """RabbitMQ's official image on ports that stay the same from one start to the next."""

    username = "timeball"
    password = "timeball"

    def __init__(self, image: str = IMAGE) -> None:
        self.amqp_port, self.management_port = free_ports(2)
        self._container = (
            DockerContainer(image)
            .with_env("RABBITMQ_DEFAULT_USER", self.username)
            .with_env("RABBITMQ_DEFAULT_PASS", self.password)
            .with_bind_ports(5672, self.amqp_port)
            .with_bind_ports(15672, self.management_port)
        )

    @property
    def url(self) -> str:
        return f"amqp://{self.username}:{self.password}@127.0.0.1:{self.amqp_port}/"

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    def create(self) -> None:
        self._container.start()
        self._await_login()

    def start(self) -> None:
        self._container.get_wrapped_container().start()
        self._await_login()

    def stop(self) -> None:
        self._container.get_wrapped_container().stop()

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self._container.stop()

    def run(self, *command: str) -> str:
        """Run a command in the container; what it says."""
        status, said = self._container.exec(list(command))
        if status:
            raise NodeError(f"{command} failed: {said.decode(errors='replace')}")
        return str(said.decode())

    def _await_login(self) -> None:
        if not wait_until(
            lambda: accepts_login(self.amqp_port, self.username, self.password), within=PATIENCE, every=0.2
        ):
            raise NodeError("the broker container did not accept a login")


@contextmanager
def contained_broker() -> Iterator[Broker]:
    """A container, removed at the end."""
    container = BrokerContainer()
    container.create()
    try:
        yield container
    finally:
        container.remove()


@contextmanager
def fresh_vhost(broker: Broker) -> Iterator[str]:
    """The AMQP address of a new virtual host, deleted at the end with all that is in it."""
    name = new_vhost(broker)
    try:
        yield broker.url + name
    finally:
        delete_vhost(broker, name)


def new_vhost(broker: Broker) -> str:
    """The name of a new virtual host."""
    name = f"test-{uuid4().hex[:12]}"
    manage(broker, "PUT", f"/api/vhosts/{name}")
    permit(broker, name)
    return name


def delete_vhost(broker: Broker, name: str) -> None:
    """Delete a virtual host with all that is in it."""
    manage(broker, "DELETE", f"/api/vhosts/{name}")


def permit(broker: Broker, vhost: str, *, user: str | None = None, names: str = ".*") -> None:
    """Let a user (the broker's own) do everything in a virtual host with what is called so."""
    permissions = json.dumps(dict.fromkeys(("configure", "write", "read"), names)).encode()
    manage(broker, "PUT", f"/api/permissions/{vhost}/{quote(user or broker.username)}", permissions)


def evaluate(broker: Broker, erlang: str) -> str:
    """What an expression comes to within the broker."""
    if isinstance(broker, BrokerContainer):
        return broker.run("rabbitmqctl", "eval", erlang)
    assert isinstance(broker, BrokerNode)
    return broker.evaluate(erlang)


@asynccontextmanager
async def alarm(broker: Broker) -> AsyncIterator[Callable[[], Coroutine[Any, Any, None]]]:
    """The broker is short of memory and takes no messages, until the answer is awaited or the block ends.

    The command takes a minute on a machine that is very busy; meanwhile the fakes of the test go on answering.
    """

    async def lift() -> None:
        await asyncio.to_thread(_set_most_memory, broker, "0.4")

    await asyncio.to_thread(_set_most_memory, broker, "0.00001")
    try:
        yield lift
    finally:
        await lift()


def _set_most_memory(broker: Broker, share: str) -> None:
    """Return when every connection has been told of the alarm that this raises or ends."""
    set_it = f"ok = vm_memory_monitor:set_vm_memory_high_watermark({share})"
    evaluate(broker, f"{set_it}, rabbit_alarm:get_alarms().")  # asked of the process that tells them


def await_registered(node: BrokerNode, *queues: str) -> None:
    """Return when the quorum queues would outlive a kill of the node.

    RabbitMQ 3.10 writes a new quorum queue's registration to disk up to a second after it has confirmed the
    declaration (and messages in it); killed before that, it brings the queue back without a leader, for good.
    """
    (names,) = (node.directory / "mnesia").glob("*/quorum/*/names.dets")
    if not wait_until(lambda: all(f"_{queue}".encode() in names.read_bytes() for queue in queues), within=PATIENCE):
        raise NodeError(f"RabbitMQ has not registered {', '.join(queues)}")


def manage(broker: Broker, method: str, path: str, body: bytes | None = None) -> bytes:
    """One request to RabbitMQ's management API."""
    credentials = base64.b64encode(f"{broker.username}:{broker.password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    request = urllib.request.Request(broker.management_url + path, data=body, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        answer: bytes = response.read()
    return answer
