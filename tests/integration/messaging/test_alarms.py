"""A broker that takes no messages for a while makes nothing late that is due afterwards, and loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aio_pika
import pytest

from shared.clocks.clock import SystemClock
from shared.events.requests import ScheduleCancelRequested
from shared.messaging import broker, kept_connection
from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher
from shared.messaging.delay import delayed
from shared.messaging.envelope import Envelope
from shared.messaging.topology import Queue, Topology
from tests.nodes import Broker, alarm
from tests.support.waiting import LATE, PATIENCE, eventually
from tests.support.wire import Wire

TYPE = ScheduleCancelRequested.type
ARRIVALS = Queue("station", "station.arrivals", (TYPE,))
TOPOLOGY = Topology("station", (ARRIVALS,), delay="wheel")
SECOND = timedelta(seconds=1)


@asynccontextmanager
async def publisher_at(url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(url, app_id="station", clock=SystemClock())
    await publisher.connect(TOPOLOGY)
    yield publisher
    await publisher.close()


def event(post_id: str) -> Envelope:
    return Envelope.of(ScheduleCancelRequested(post_id=post_id))


def released(post_id: str, at: datetime) -> Outgoing:
    return Outgoing(*delayed(event(post_id), at, now=datetime.now(UTC)))


@asynccontextmanager
async def arrivals_after_declaring(url: str) -> AsyncIterator[dict[str, list[datetime]]]:
    async with publisher_at(url), arrivals(url) as at:
        yield at


@asynccontextmanager
async def arrivals(url: str) -> AsyncIterator[dict[str, list[datetime]]]:
    """When each message has arrived, by its id."""
    at: dict[str, list[datetime]] = {}

    async def arrive(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        at.setdefault(str(message.message_id), []).append(datetime.now(UTC))

    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).get_queue(ARRIVALS.name)
        await queue.consume(arrive, no_ack=True)
        yield at


async def test_what_is_delayed_during_an_alarm_leaves_when_it_is_lifted_with_the_delay_that_is_left(
    amqp_vhost_url: str, broker_node: Broker
) -> None:
    async with publisher_at(amqp_vhost_url) as publisher, arrivals(amqp_vhost_url) as at:
        release_at = datetime.now(UTC) + 20 * SECOND
        async with alarm(broker_node) as lift:
            first = released("post-1", release_at)
            with pytest.raises(BrokerUnavailable):
                await publisher.publish(first, within=2 * SECOND)
            with pytest.raises(BrokerUnavailable):
                await publisher.try_publishing()
            second = released("post-1", release_at)
            publishing = asyncio.create_task(publisher.publish(second, within=PATIENCE * SECOND))
            await lift()
            lifted_at = datetime.now(UTC)
            await publishing

        await eventually(lambda: second.envelope.message_id in at)
        assert first.envelope.message_id not in at
        assert publisher.may_delay

    (arrived_at,) = at[second.envelope.message_id]
    assert arrived_at - release_at > -SECOND / 10
    assert arrived_at - max(release_at, lifted_at) < LATE


@pytest.mark.parametrize("is_new", [True, False], ids=["a new connection", "one that was used"])
async def test_the_very_first_question_in_an_alarm_is_answered_right(
    amqp_vhost_url: str, broker_node: Broker, is_new: bool
) -> None:
    async with publisher_at(amqp_vhost_url) as publisher:
        if not is_new:
            await publisher.try_publishing()
        async with alarm(broker_node):
            with pytest.raises(BrokerUnavailable):
                await publisher.try_publishing()


async def test_nothing_more_is_written_while_the_broker_takes_nothing(amqp_vhost_url: str, broker_node: Broker) -> None:
    """Copies of a message that is tried again and again would all arrive when the alarm is over."""
    async with publisher_at(amqp_vhost_url) as publisher, arrivals(amqp_vhost_url) as at:
        tried = Outgoing(event("post-1"))
        async with alarm(broker_node):
            for _ in range(5):
                with pytest.raises(BrokerUnavailable):
                    await publisher.publish(tried, within=SECOND)

        await publisher.publish(tried, within=PATIENCE * SECOND)
        await eventually(lambda: at)
        last = Outgoing(event("last"))
        await publisher.publish(last)
        await eventually(lambda: last.envelope.message_id in at)

    assert len(at[tried.envelope.message_id]) <= 2


async def test_a_connection_outlives_an_alarm_however_long_it_lasts(
    amqp_vhost_url: str, broker_node: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker answers nothing then, and that is not for want of a connection."""
    monkeypatch.setattr(kept_connection, "MAKE_SECONDS", 0.1)
    async with publisher_at(amqp_vhost_url) as publisher:
        connection = await publisher._kept.current()
        ended = asyncio.create_task(connection.ended.wait())
        async with alarm(broker_node):
            with pytest.raises(BrokerUnavailable):
                await publisher.try_publishing()
            with monkeypatch.context() as impatient:
                impatient.setattr(kept_connection, "LOOK_SECONDS", 0.03)
                await asyncio.wait({ended}, timeout=3)

        await publisher.publish(Outgoing(event("post-1")), within=PATIENCE * SECOND)
        assert await publisher._kept.current() is connection
        ended.cancel()


class HoldingClock(SystemClock):
    """Holds the wire at the moment when the next message is composed."""

    wire: Wire | None = None

    def now(self) -> datetime:
        if self.wire:
            self.wire.is_held = True
            self.wire = None
        return super().now()


async def test_after_a_delayed_message_has_hung_the_wheel_is_not_relied_on_until_it_must_have_turned(
    amqp_vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "HORIZON", 5 * SECOND)
    async with Wire.to(amqp_vhost_url) as wire, arrivals_after_declaring(amqp_vhost_url) as at:
        clock = HoldingClock()
        publisher = Publisher(wire.url, app_id="station", clock=clock)
        await publisher.connect(TOPOLOGY)
        hung = released("hangs", datetime.now(UTC) + 8 * SECOND)
        clock.wire = wire

        with pytest.raises(BrokerUnavailable):
            await publisher.publish(hung, within=SECOND)
        assert not publisher.may_delay
        wire.is_held = False
        await publisher.publish(Outgoing(event("undelayed")), within=PATIENCE * SECOND)
        assert not publisher.may_delay
        await eventually(lambda: publisher.may_delay)
        await publisher.close()

        await eventually(lambda: hung.envelope.message_id in at, what="it was still on its way")


async def test_what_is_not_delayed_leaves_the_wheel_trusted(amqp_vhost_url: str) -> None:
    async with Wire.to(amqp_vhost_url) as wire, publisher_at(wire.url) as publisher:
        wire.is_held = True
        with pytest.raises(BrokerUnavailable):
            await publisher.publish(Outgoing(event("post-1")), within=SECOND / 2)
        wire.is_held = False

        assert publisher.may_delay
        assert not publisher.is_connected
        await publisher.publish(Outgoing(event("post-1")), within=PATIENCE * SECOND)
