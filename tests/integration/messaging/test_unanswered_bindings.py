"""A broker that answers nothing about bindings, as a cluster does while it waits for a silent node, is published to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.clocks.clock import SystemClock
from shared.events.requests import ScheduleCancelRequested
from shared.messaging import kept_connection
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.connection import PublishingConnection
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.listening import Bindings
from shared.messaging.making import Making
from shared.messaging.topology import Queue, Topology
from shared.process.health import consuming
from shared.process.service import rabbit_broker
from tests.nodes import Broker, evaluate
from tests.support.waiting import PATIENCE, eventually

ARRIVALS = Queue("station", "station.arrivals", (ScheduleCancelRequested.type,))
TOPOLOGY = Topology("station", (ARRIVALS,), delay="wheel")
SECOND = timedelta(seconds=1)
TABLES = "[rabbit_route, rabbit_semi_durable_route, rabbit_durable_route]"


@asynccontextmanager
async def no_binding_is_answered(broker: Broker) -> AsyncIterator[None]:
    """Somebody holds the locks that a binding needs."""
    locked = f"[mnesia:write_lock_table(Table) || Table <- {TABLES}]"
    hold = f"fun() -> {locked}, register(holder, self()), receive go -> ok end end"
    await asyncio.to_thread(evaluate, broker, f"spawn(fun() -> mnesia:transaction({hold}) end).")
    try:
        yield
    finally:
        await asyncio.to_thread(evaluate, broker, "holder ! go.")


@pytest.fixture(autouse=True)
def has_mnesia(broker_node: Broker) -> None:
    """Khepri, in its place since RabbitMQ 4.3, answers as long as most nodes of a cluster do."""
    if evaluate(broker_node, "mnesia:system_info(is_running).") != "yes":
        pytest.skip("this RabbitMQ has its bindings in Khepri, where a silent node keeps nobody waiting")


@pytest.fixture
async def publisher(amqp_vhost_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())
    await publisher.connect(TOPOLOGY)
    yield publisher
    await publisher.close()


def event() -> Outgoing:
    return Outgoing(Envelope.of(ScheduleCancelRequested(post_id="post-1")))


async def test_a_connection_is_opened_where_the_queues_are_there(
    publisher: Publisher, amqp_vhost_url: str, broker_node: Broker
) -> None:
    second = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())

    async with no_binding_is_answered(broker_node):
        await asyncio.wait_for(second.connect(TOPOLOGY), 2 * kept_connection.MAKE_SECONDS)
        await second.publish(event())

    await second.close()


async def test_a_connection_that_takes_messages_is_kept(
    publisher: Publisher, broker_node: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connection, "LOOKS", 2)
    connection = await publisher._kept.current()

    async with no_binding_is_answered(broker_node):
        assert not await publisher.make_again()
        await publisher.publish(event())

    assert connection.is_open
    assert await publisher._kept.current() is connection


async def test_a_new_queue_is_waited_for(amqp_vhost_url: str, broker_node: Broker) -> None:
    """What came before it is bound would be lost."""
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())

    async with no_binding_is_answered(broker_node):
        connecting = asyncio.create_task(publisher.connect(TOPOLOGY))
        done, _ = await asyncio.wait({connecting}, timeout=5)
        assert not done
    await connecting
    await publisher.publish(event())
    await publisher.close()


async def test_what_has_not_been_answered_is_not_asked_again(
    amqp_vhost_url: str, broker_node: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an hour of silence would cost two hundred channels."""
    rounds, asked = Counter[str](), Making.own_again

    async def takes_messages(_: PublishingConnection) -> bool:
        rounds["looked"] += 1
        return True

    async def own_again(self: Making, topology: Topology) -> None:
        rounds["asked"] += 1
        await asked(self, topology)

    monkeypatch.setattr(kept_connection, "LOOKS", 1)
    monkeypatch.setattr(kept_connection, "MAKE_SECONDS", 0.1)
    monkeypatch.setattr(PublishingConnection, "takes_messages", takes_messages)
    monkeypatch.setattr(Making, "own_again", own_again)
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())
    await publisher.connect(TOPOLOGY)

    async with no_binding_is_answered(broker_node):
        rounds.clear()
        await eventually(lambda: rounds["looked"] >= 10)

        assert rounds["asked"] <= 2  # one may just have been answered
    await publisher.close()


async def test_a_listening_queue_keeps_its_channel(
    publisher: Publisher, amqp_vhost_url: str, broker_node: Broker
) -> None:
    heard: list[str] = []

    async def hear(delivery: Delivery[Any]) -> None:
        heard.append(delivery.event.post_id)

    broker = rabbit_broker(amqp_vhost_url, "station")
    consumer = Consumer("station", broker, publisher, SystemClock())
    consumer.listen(f"station.live.{uuid4()}", {ScheduleCancelRequested: hear}, binding="#")
    await broker.start()
    bindings = Bindings(broker)

    async with no_binding_is_answered(broker_node):
        for _ in range(2):
            await bindings.make_again(within=0.5)
        assert await consuming(broker)() is None
        await publisher.publish(event())
        await eventually(lambda: heard, what="it is heard")

    await bindings.make_again(within=PATIENCE)
    await broker.stop()
