"""A virtual host is lent again only as its services declare it, and with nothing left of who had it before."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from shared.messaging.topology import EVENTS_EXCHANGE, Topology, own_queues, wheel
from tests.nodes import Broker, evaluate, manage
from tests.support.vhosts import Lent, Vhosts
from tests.support.waiting import PATIENCE

SERVICES = ("scheduler", "publisher")
LEAVES = Callable[[AbstractChannel, Broker, str], Awaitable[object]]


@asynccontextmanager
async def declared(vhosts: Vhosts) -> AsyncIterator[tuple[Lent, AbstractChannel]]:
    """A virtual host that is lent, with the queues of both services."""
    with vhosts.lent(*SERVICES) as lent:
        async with await aio_pika.connect(lent.url) as connection:
            channel = await connection.channel()
            for service in SERVICES:
                await declare(channel, Topology(service, delay="wheel" if service == "scheduler" else None))
            lent.declared()
            yield lent, channel


async def declare(channel: AbstractChannel, topology: Topology) -> None:
    for exchange, kind in (
        (EVENTS_EXCHANGE, "topic"),
        ("timeball.retry", "headers"),
        ("timeball.dead", "direct"),
        ("timeball.delayed", "headers"),
    ):
        await channel.declare_exchange(exchange, aio_pika.ExchangeType(kind), durable=True)
    for one in (*own_queues(topology), *list(wheel(topology))[:2]):
        queue = await channel.declare_queue(one.name, durable=True, arguments=dict(one.arguments))
        for source, key, arguments in one.bindings:
            await queue.bind(source, key, arguments=dict(arguments))


async def send(channel: AbstractChannel, queue: str, **properties: object) -> None:
    await channel.default_exchange.publish(aio_pika.Message(b"left", **properties), queue)  # type: ignore[arg-type]


async def names_after(vhosts: Vhosts, leaves: LEAVES) -> tuple[str, str]:
    """The virtual host in which this was left, and the one that is lent next."""
    async with declared(vhosts) as (lent, channel):
        await leaves(channel, vhosts.broker, lent.name)
    with vhosts.lent(*SERVICES) as following:
        return lent.name, following.name


async def leave_a_message(channel: AbstractChannel, _: Broker, __: str) -> None:
    await send(channel, "publisher.dead")


async def leave_one_in_hand(channel: AbstractChannel, _: Broker, __: str) -> None:
    await send(channel, "publisher.dead")
    await (await channel.get_queue("publisher.dead")).get(no_ack=False, timeout=PATIENCE)


async def leave_one_that_expires(channel: AbstractChannel, _: Broker, __: str) -> None:
    await send(channel, "timeball.delay.00", expiration=3600)


async def leave_a_queue_made_again(channel: AbstractChannel, _: Broker, __: str) -> None:
    await channel.queue_delete("publisher.dead")
    await declare(channel, Topology("publisher"))


@pytest.mark.parametrize(
    "leaves", [leave_a_message, leave_one_in_hand, leave_one_that_expires, leave_a_queue_made_again]
)
async def test_what_can_be_emptied_is_lent_again_empty(broker_node: Broker, leaves: LEAVES) -> None:
    vhosts = Vhosts(broker_node)

    before, after = await names_after(vhosts, leaves)

    assert after == before
    async with declared(vhosts) as (_, channel):
        for name in ("publisher.dead", "timeball.delay.00"):
            assert await depth(channel, name) == (0, 0)


async def depth(channel: AbstractChannel, name: str) -> tuple[int | None, int | None]:
    """How many messages and consumers a queue has."""
    found = (await channel.declare_queue(name, passive=True)).declaration_result
    return found.message_count, found.consumer_count


async def leave_a_queue(channel: AbstractChannel, _: Broker, __: str) -> None:
    await channel.declare_queue("publisher.more", durable=True)


async def leave_a_binding(channel: AbstractChannel, _: Broker, __: str) -> None:
    await (await channel.get_queue("publisher.dead")).bind(EVENTS_EXCHANGE, "post.#")


async def leave_a_queue_without_its_binding(channel: AbstractChannel, _: Broker, __: str) -> None:
    await (await channel.get_queue("publisher.dead")).unbind("timeball.dead", "publisher.dead")


async def leave_an_exchange(channel: AbstractChannel, _: Broker, __: str) -> None:
    await channel.declare_exchange("more", durable=True)


async def leave_a_policy(_: AbstractChannel, broker: Broker, vhost: str) -> None:
    policy = {"pattern": "publisher", "definition": {"max-length": 1}, "apply-to": "queues"}
    manage(broker, "PUT", f"/api/policies/{vhost}/short", json.dumps(policy).encode())


async def leave_another_queue_of_the_name(channel: AbstractChannel, _: Broker, __: str) -> None:
    await channel.queue_delete("publisher.dead")
    queue = await channel.declare_queue("publisher.dead", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind("timeball.dead", "publisher.dead")


@pytest.mark.parametrize(
    "leaves",
    [
        leave_a_queue,
        leave_a_binding,
        leave_a_queue_without_its_binding,
        leave_an_exchange,
        leave_a_policy,
        leave_another_queue_of_the_name,
    ],
)
async def test_what_is_no_longer_as_declared_is_not_lent_again(broker_node: Broker, leaves: LEAVES) -> None:
    before, after = await names_after(Vhosts(broker_node), leaves)

    assert after != before
    assert not is_there(broker_node, before)


async def leave_what_expired_to_nowhere(channel: AbstractChannel, _: Broker, __: str) -> None:
    """It stays with its queue: the dead letter is sent until somebody takes it."""
    await send(channel, "timeball.delay.00", expiration=0.01)
    await asyncio.sleep(1)


async def test_what_expired_to_nowhere_is_not_lent_either(broker_node: Broker) -> None:
    """A purge finds it since RabbitMQ 4.3; before, its virtual host is deleted."""
    before, _ = await names_after(Vhosts(broker_node), leave_what_expired_to_nowhere)

    if is_there(broker_node, before):
        assert evaluate(broker_node, HOLDS_NOTHING.format(vhost=before)) == "true"


HOLDS_NOTHING = (
    '[Number || Queue <- rabbit_amqqueue:list(<<"{vhost}">>), '
    'element(4, amqqueue:get_name(Queue)) =:= <<"timeball.delay.00">>, {{ok, {{_, Number}}, _}} <- '
    "[ra:local_query(amqqueue:get_pid(Queue), fun rabbit_fifo:query_messages_total/1)]] =:= [0]."
)
"""Whether the queue has no message, nor one that is to be sent on as a dead letter."""


def is_there(broker: Broker, vhost: str) -> bool:
    """Whether the virtual host has not been deleted."""
    return vhost in {one["name"] for one in json.loads(manage(broker, "GET", "/api/vhosts"))}


async def test_services_that_are_not_wanted_have_no_queues(broker_node: Broker) -> None:
    vhosts = Vhosts(broker_node)
    async with declared(vhosts) as (before, _):
        pass

    with vhosts.lent("scheduler") as lent:
        left = {name for name in vhosts.definitions(lent.name) if name.startswith("queue ")}

    assert lent.name == before.name
    assert left == {
        "queue scheduler.dead",
        "queue scheduler.retry.5s",
        "queue timeball.delay.00",
        "queue timeball.delay.01",
    }
