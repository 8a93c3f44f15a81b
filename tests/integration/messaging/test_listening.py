"""A process that listens now and then outlives its connection to the broker."""

from typing import Any
from uuid import uuid4

import pytest

from shared.clocks.clock import SystemClock
from shared.events.requests import ScheduleCancelRequested
from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.topology import Topology
from shared.process.health import consuming
from shared.process.service import rabbit_broker
from tests.support.waiting import eventually
from tests.support.wire import Wire


async def test_a_gate_that_is_turned_while_the_connection_is_away_says_so_and_works_afterwards(
    amqp_vhost_url: str,
) -> None:
    """aio-pika answers with a RuntimeError, which once ended the console."""
    heard: list[Any] = []

    async def hear(delivery: Delivery[Any]) -> None:
        heard.append(delivery.event.post_id)

    async with Wire.to(amqp_vhost_url) as wire:
        publisher = Publisher(amqp_vhost_url, app_id="listener", clock=SystemClock())
        await publisher.connect(Topology("listener"))
        broker = rabbit_broker(wire.url, "listener")
        consumer = Consumer("listener", broker, publisher, SystemClock())
        gate = consumer.listen_at_times(f"feed.{uuid4()}", {ScheduleCancelRequested: hear}, binding="#")
        await broker.start()

        await gate.open()
        await wire.cut()
        check = consuming(broker)
        await eventually(lambda: _is_away(check), what="the connection is found to be away")
        for turn in (gate.open, gate.close, gate.open):
            with pytest.raises(BrokerUnavailable):
                await turn()
        wire.mend()
        await eventually(lambda: _opens(gate), what="the gate opens again")
        await publisher.publish(Outgoing(Envelope.of(ScheduleCancelRequested(post_id="after"))))
        await eventually(lambda: "after" in heard)
        await broker.stop()
        await publisher.close()


async def _is_away(check: Any) -> bool:
    return await check() is not None


async def _opens(gate: Any) -> bool:
    try:
        await gate.open()
    except BrokerUnavailable:
        return False
    return True
