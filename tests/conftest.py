"""Fixtures every test may ask for: real brokers and databases, started when the first test needs them."""

import gc
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from deploy.local import child
from deploy.local.postgres_node import PostgresNode
from tests.nodes import Broker, contained_broker, fresh_vhost, private_broker
from tests.support.databases import Databases
from tests.support.order import places
from tests.support.properties import load_profile

load_profile()


def ports_of_this_worker(ports: range) -> range:
    """Of all ports those that no other worker of the same run gives to anybody."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return ports[number :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]


child.PORTS = ports_of_this_worker(child.PORTS)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a shell: every program that a test starts would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # likewise, where `nohup` runs the tests
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Make what lasts until the end without looking through it for garbage again and again, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files into an order that keeps the processor busy from the first to the last."""
    place = places(dict.fromkeys(item.nodeid.partition("::")[0] for item in items))
    items.sort(key=lambda item: place[item.nodeid.partition("::")[0]])


@pytest.fixture(scope="session")
def nodes_directory() -> Iterator[Path]:
    """Where the nodes live; unlike pytest's own directories, open to the user PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="timeball-nodes-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture(scope="session")
def broker_node(nodes_directory: Path) -> Iterator[Broker]:
    """A real RabbitMQ: a private node, or a container where TIMEBALL_TEST_BROKER=containers."""
    broker: AbstractContextManager[Broker] = private_broker(nodes_directory / "broker")
    if os.environ.get("TIMEBALL_TEST_BROKER") == "containers":
        broker = contained_broker()
    with broker as running:
        yield running


@pytest.fixture
def amqp_vhost_url(broker_node: Broker) -> Iterator[str]:
    """The address of a virtual host of this test's own."""
    with fresh_vhost(broker_node) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_node(nodes_directory: Path) -> Iterator[PostgresNode]:
    """A real PostgreSQL that does not wait for the disk."""
    node = PostgresNode(nodes_directory / "postgres", durable=False)
    node.start()
    yield node
    node.kill()


@pytest.fixture(scope="session")
def databases(postgres_node: PostgresNode) -> Databases:
    """The databases of the session's PostgreSQL."""
    return Databases(postgres_node)


@pytest.fixture
def postgres_url(databases: Databases) -> Iterator[str]:
    """An empty PostgreSQL database of this test's own."""
    with databases.lent() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database of this test's own."""
    return f"sqlite+aiosqlite:///{tmp_path}/x.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of either kind: the test runs once on each."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
