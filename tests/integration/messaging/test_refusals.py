"""Why the broker cannot be used is told as it is, whoever refuses: the broker, the network, or TLS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from yarl import URL

from shared.clocks.clock import SystemClock
from shared.messaging.broker import Publisher
from shared.messaging.topology import Topology
from tests.nodes import Broker, manage, permit
from tests.support.waiting import eventually

Change = Callable[[URL], URL]


@asynccontextmanager
async def connecting(url: URL) -> AsyncIterator[Publisher]:
    """A publisher that tries, and is not let in."""
    publisher = Publisher(str(url), app_id="shop", clock=SystemClock())
    trying = asyncio.create_task(publisher.connect(Topology("shop")))
    yield publisher
    trying.cancel()
    await publisher.close()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lambda url: url.with_password("s3cret"), "login refused: check user and password in TIMEBALL_BROKER_URL"),
        (lambda url: url.with_user("nobody"), "login refused: check user and password in TIMEBALL_BROKER_URL"),
        (lambda url: url.with_path("/nowhere"), "the broker refuses: vhost nowhere not found"),
        (lambda url: url.with_scheme("amqps"), "TLS: no TLS is spoken there"),
        (lambda url: url.with_port(1), "127.0.0.1:1: connection refused: nothing listens there"),
        (lambda url: url.with_host("nowhere.invalid"), "its name cannot be found"),
        (lambda url: URL(f"{url.with_scheme('amqps')}?cafile=/nowhere"), "a file that its address names cannot be"),
    ],
)
async def test_the_reason_is_told(broker_node: Broker, changed: Change, reason: str) -> None:
    async with connecting(changed(URL(broker_node.url))) as publisher:
        await eventually(lambda: reason in (publisher.trouble or ""), what=f"{reason}; {publisher.trouble}")

        assert "s3cret" not in str(publisher.trouble)
        assert not publisher.is_connected


async def test_what_hangs_up_before_the_login_is_told(broker_node: Broker) -> None:
    async with connecting(URL(broker_node.management_url).with_scheme("amqp")) as publisher:
        await eventually(lambda: "it hung up before the login" in str(publisher.trouble))


async def test_a_right_that_is_missing_is_told(broker_node: Broker, amqp_vhost_url: str) -> None:
    """For the virtual host, then for an exchange in it."""
    name, vhost = f"poor-{uuid4().hex[:8]}", URL(amqp_vhost_url).path[1:]
    await asyncio.to_thread(manage, broker_node, "PUT", f"/api/users/{name}", b'{"password": "pw", "tags": ""}')
    try:
        async with connecting(URL(amqp_vhost_url).with_user(name).with_password("pw")) as publisher:
            await eventually(lambda: f"access to vhost '{vhost}' refused" in str(publisher.trouble))
            await asyncio.to_thread(permit, broker_node, vhost, user=name, names="")
            await eventually(lambda: "access to exchange 'timeball.events'" in str(publisher.trouble))
            await asyncio.to_thread(permit, broker_node, vhost, user=name)
            await eventually(lambda: publisher.is_connected and publisher.trouble is None)
    finally:
        await asyncio.to_thread(manage, broker_node, "DELETE", f"/api/users/{name}")


async def test_a_virtual_host_that_may_have_no_more_queues_is_told(broker_node: Broker, amqp_vhost_url: str) -> None:
    """RabbitMQ refuses a queue that is one too many as it refuses one that is there with other arguments."""
    vhost = URL(amqp_vhost_url).path[1:]
    limit = f"/api/vhost-limits/{vhost}/max-queues"
    await asyncio.to_thread(manage, broker_node, "PUT", limit, b'{"value": 1}')

    async with connecting(URL(amqp_vhost_url)) as publisher:
        with capture_logs() as logs:
            await eventually(lambda: f"queue limit in vhost '{vhost}' (1) is reached" in str(publisher.trouble))
            await asyncio.to_thread(manage, broker_node, "DELETE", limit)
            await eventually(lambda: publisher.is_connected)

    assert "queues_of_another_release" not in {entry["event"] for entry in logs}
