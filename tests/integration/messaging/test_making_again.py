"""What somebody deletes under a running service is made again, and what was made by another release is used."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import aio_pika
import pytest
from pamqp.common import FieldTable
from structlog.testing import capture_logs

from shared.clocks.clock import SystemClock
from shared.events.requests import ScheduleCancelRequested
from shared.messaging.broker import Outgoing, Publisher, Unroutable
from shared.messaging.connection import PublishingConnection
from shared.messaging.delay import delayed
from shared.messaging.envelope import Envelope
from shared.messaging.topology import EVENTS_EXCHANGE, Queue, Topology, dead_queue
from shared.process.health import consuming
from tests.nodes import Broker, manage
from tests.support.shop import Shop
from tests.support.waiting import PATIENCE, eventually, with_time_enough

TYPE = ScheduleCancelRequested.type
ARRIVALS = Queue("station", "station.arrivals", (TYPE,))
SECOND = timedelta(seconds=1)


@pytest.fixture
async def publisher(amqp_vhost_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())
    await publisher.connect(Topology("station", (ARRIVALS,), delay="wheel"))
    yield publisher
    await publisher.close()


def released_in(delay: timedelta) -> Outgoing:
    now = datetime.now(UTC)
    return Outgoing(*delayed(Envelope.of(ScheduleCancelRequested(post_id="post-1")), now + delay, now=now))


async def delete(broker: Broker, url: str, kind: str, *names: str) -> None:
    """Delete queues or exchanges, as somebody does in the management page."""
    vhost = quote(url.rpartition("/")[2], safe="")
    for name in names:
        await asyncio.to_thread(manage, broker, "DELETE", f"/api/{kind}/{vhost}/{name}")


async def arrived(publisher: Publisher) -> int:
    figures = await publisher.queue_figures(ARRIVALS.name)
    return figures.messages if figures else 0


async def test_a_wheel_that_was_deleted_turns_again_with_the_next_message(
    publisher: Publisher, amqp_vhost_url: str, broker_node: Broker
) -> None:
    wheel = [f"timeball.delay.{slot:02}" for slot in range(64)]

    async def waiting(lead: float) -> int | None:
        """How many had arrived before; None where the machine was so slow that nothing was left to wait for."""
        await delete(broker_node, amqp_vhost_url, "queues", *wheel)
        before = await arrived(publisher)
        await publisher.publish(released_in(lead * SECOND))
        return before if await arrived(publisher) == before else None

    before = await with_time_enough(waiting, lead=5)

    async def is_there() -> bool:
        return await arrived(publisher) > before

    await eventually(is_there)


@pytest.mark.parametrize("exchange", ["timeball.delayed", EVENTS_EXCHANGE])
async def test_an_exchange_that_was_deleted_is_there_again_with_its_bindings(
    publisher: Publisher, amqp_vhost_url: str, broker_node: Broker, exchange: str
) -> None:
    await delete(broker_node, amqp_vhost_url, "exchanges", exchange)
    sent = released_in(2 * SECOND if exchange == "timeball.delayed" else -SECOND)

    async def is_published() -> bool:
        return await publisher.publish_all([sent]) == [None]

    await eventually(is_published)
    await eventually(lambda: arrived(publisher))


async def test_what_nobody_wants_is_still_told(publisher: Publisher) -> None:
    unwanted = Outgoing(
        Envelope.of(ScheduleCancelRequested(post_id="post-1")).to(EVENTS_EXCHANGE, routing_key="no.one")
    )

    for _ in range(3):
        with pytest.raises(Unroutable):
            await publisher.publish(unwanted)


async def test_a_queue_deleted_under_its_consumer_is_told_and_consumed_again(
    amqp_vhost_url: str, broker_node: Broker
) -> None:
    async with Shop.open(amqp_vhost_url) as shop:
        check = consuming(shop.consumer.broker)
        assert await check() is None

        await delete(broker_node, amqp_vhost_url, "queues", "shop.orders")
        await eventually(check, what="it is told")
        await shop.consumer.publisher.make_again()

        async def is_consumed() -> bool:
            return await check() is None

        await eventually(is_consumed)
        await shop.is_alive()


OF_ANOTHER_RELEASE = (ARRIVALS.name, dead_queue("station"), "timeball.delay.07")


async def made_by_another_release(url: str) -> None:
    quorum: FieldTable = {"x-queue-type": "quorum"}
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for name in OF_ANOTHER_RELEASE:
            await channel.declare_queue(name, durable=True, arguments=quorum)


async def test_queues_of_another_release_are_used_as_they_are(amqp_vhost_url: str) -> None:
    """RabbitMQ refuses to declare them with our arguments; what rests in them must not be lost."""
    await made_by_another_release(amqp_vhost_url)

    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())
    await publisher.connect(Topology("station", (ARRIVALS,), delay="wheel"))
    results = await publisher.publish_all([released_in(second * SECOND) for second in range(64 - 4)])
    await publisher.close()

    assert set(results) == {None}


async def test_queues_of_another_release_are_named_once_with_the_way_out(
    amqp_vhost_url: str, broker_node: Broker
) -> None:
    """They are looked after every ten seconds; deleted when they are empty, they are made as they are today."""
    await made_by_another_release(amqp_vhost_url)
    topology = Topology("station", (ARRIVALS,), delay="wheel")

    with capture_logs() as logs:
        connection = await PublishingConnection.open(amqp_vhost_url, topology)
        await connection.make(topology)
        await connection.make_own(topology)
        await delete(broker_node, amqp_vhost_url, "queues", *OF_ANOTHER_RELEASE)
        await connection.make(topology)
        await connection.close()
        second = await PublishingConnection.open(amqp_vhost_url, topology)
        await second.close()

    told = [entry for entry in logs if entry["event"] == "queues_of_another_release"]
    assert [entry["queues"] for entry in told] == [sorted(OF_ANOTHER_RELEASE)]
    assert "x-d" in told[0]["reason"] and "docs/containers.md" in told[0]["way_out"]


async def test_dead_letters_outlive_many_looks(amqp_vhost_url: str, publisher: Publisher) -> None:
    """In RabbitMQ's own page, each look with requeue counts as a delivery."""
    dead = Envelope.of(ScheduleCancelRequested(post_id="post-1")).to("timeball.dead", routing_key="station.dead")
    await publisher.publish(Outgoing(dead))

    async with await aio_pika.connect(amqp_vhost_url) as connection:
        queue = await (await connection.channel()).get_queue(dead_queue("station"))
        for _ in range(60):
            message = await queue.get(timeout=PATIENCE)
            await message.nack(requeue=True)
        assert (await queue.get(timeout=PATIENCE)).message_id == dead.message_id


async def test_whoever_is_stopped_while_asking_about_a_queue_stops(publisher: Publisher) -> None:
    for steps in range(60):
        asking = asyncio.create_task(publisher.queue_figures(ARRIVALS.name))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking}, timeout=PATIENCE)
        assert asking.done(), f"cancelled after {steps} steps of the loop, it waits on"
