"""At a real broker: what was confirmed has arrived, what was not is known, and the wheel lets go in time."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aio_pika
import pytest
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractIncomingMessage

from shared.clocks.clock import SystemClock
from shared.events.requests import ScheduleCancelRequested
from shared.messaging import connection, kept_connection, making, refusing
from shared.messaging.answers import Answers
from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher, QueuesFail, Unroutable
from shared.messaging.connection import Addressed, PublishingConnection
from shared.messaging.declaring import declare
from shared.messaging.delay import DELAY_HEADER, DelayKind, delayed, slot_of
from shared.messaging.envelope import Envelope
from shared.messaging.returns import Confirm
from shared.messaging.topology import EVENTS_EXCHANGE, Queue, Topology
from tests.nodes import Broker, manage
from tests.support.connections import close_connections
from tests.support.waiting import LATE, PATIENCE, eventually
from tests.support.wire import LONGEST_HOLD, Wire

TYPE = ScheduleCancelRequested.type
ARRIVALS = Queue("station", "station.arrivals", (TYPE,))
SECOND = timedelta(seconds=1)


@dataclass
class Station:
    """A publisher, and a queue in which everything arrives."""

    publisher: Publisher
    arrived: list[tuple[datetime, AbstractIncomingMessage]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, delay: str | None = None) -> AsyncIterator["Station"]:
        publisher = Publisher(url, app_id="station", clock=SystemClock())
        await publisher.connect(Topology("station", (ARRIVALS,), delay=delay))
        station = cls(publisher)
        async with await aio_pika.connect(url) as connection:
            queue = await (await connection.channel()).get_queue(ARRIVALS.name)
            await queue.consume(station._arrives, no_ack=True)
            yield station
        await publisher.close()

    async def _arrives(self, message: AbstractIncomingMessage) -> None:
        self.arrived.append((datetime.now(UTC), message))

    def times(self) -> dict[str, datetime]:
        """When each post arrived."""
        return {json.loads(message.body)["post_id"]: at for at, message in self.arrived}


def event(post_id: str) -> Envelope:
    return Envelope.of(ScheduleCancelRequested(post_id=post_id), correlation_id=f"about-{post_id}")


@pytest.fixture
async def station(amqp_vhost_url: str) -> AsyncIterator[Station]:
    async with Station.open(amqp_vhost_url) as station:
        yield station


async def test_what_is_confirmed_has_arrived_with_the_contracts_properties(station: Station) -> None:
    envelope = event("post-1")

    await station.publisher.publish(Outgoing(envelope))
    await eventually(lambda: station.arrived)

    ((_, message),) = station.arrived
    assert (message.content_type, message.delivery_mode) == ("application/json", DeliveryMode.PERSISTENT)
    assert (message.type, message.routing_key, message.exchange) == (TYPE, TYPE, EVENTS_EXCHANGE)
    assert (message.message_id, message.correlation_id) == (envelope.message_id, "about-post-1")
    assert message.app_id == "station"
    assert message.timestamp is not None
    assert abs(datetime.now(UTC) - message.timestamp) < 10 * SECOND


async def test_many_at_once_arrive_in_their_order(station: Station) -> None:
    envelopes = [event(f"post-{number}") for number in range(500)]

    results = await station.publisher.publish_all(map(Outgoing, envelopes))
    await eventually(lambda: len(station.arrived) == len(envelopes))

    assert results == [None] * len(envelopes)
    assert [message.message_id for _, message in station.arrived] == [envelope.message_id for envelope in envelopes]


async def test_what_no_queue_takes_is_known_where_it_matters(station: Station) -> None:
    unwanted = event("post-1").to(EVENTS_EXCHANGE, routing_key="nobody.listens")

    await station.publisher.publish(Outgoing(unwanted, mandatory=False))
    with pytest.raises(Unroutable, match=r"no queue takes schedule.cancel_requested"):
        await station.publisher.publish(Outgoing(unwanted))


@pytest.mark.parametrize("message_id", ["", "the same"])
async def test_what_no_queue_takes_is_known_whatever_its_id(station: Station, message_id: str) -> None:
    """Else a copy that takes its place would count as kept, and the message would be acknowledged: lost."""
    bodies = (b"{}", b'{"post_id": "1"}', b'{"post_id": "22"}')
    unwanted = [Envelope(TYPE, body, message_id, "c-1").to("", routing_key="no.queue") for body in bodies]
    wanted = Envelope(TYPE, b"{}", message_id, "c-1", routing_key=TYPE)

    results = await station.publisher.publish_all(map(Outgoing, [wanted, *unwanted, wanted]))
    await eventually(lambda: len(station.arrived) == 2)

    assert [type(one) for one in results] == [type(None), Unroutable, Unroutable, Unroutable, type(None)]


async def test_a_message_that_cannot_be_written_takes_nobodys_confirm(station: Station) -> None:
    no_amqp = event("never").to(EVENTS_EXCHANGE, headers={"beyond 64 bits": 2**63})

    with pytest.raises(TypeError):
        await station.publisher.publish(Outgoing(no_amqp))

    await station.publisher.publish(Outgoing(event("post")))


async def test_queues_that_go_on_refusing_are_a_problem_until_they_take_messages(
    station: Station, amqp_vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue that is full refuses as all do when RabbitMQ has given up writing them."""
    monkeypatch.setattr(refusing, "GOES_ON_SECONDS", 0.3)
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel()
        full = await channel.declare_queue("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
        await full.bind(EVENTS_EXCHANGE, TYPE)

        async def is_told() -> bool:
            with pytest.raises(BrokerUnavailable, match="refused"):
                await station.publisher.publish(Outgoing.of(event("post-1")))
            return await _publishing_fails(station.publisher)

        await eventually(is_told, every=0.1, what="it is told that queues refuse messages")
        await full.delete()

    await station.publisher.publish(Outgoing.of(event("post-2")))
    await station.publisher.try_publishing()


async def _publishing_fails(publisher: Publisher) -> bool:
    try:
        await publisher.try_publishing()
    except QueuesFail:
        return True
    return False


async def test_before_it_is_connected_nothing_is_published() -> None:
    publisher = Publisher("amqp://nowhere", app_id="x", clock=SystemClock())

    with pytest.raises(BrokerUnavailable, match="not connected"):
        await publisher.publish(Outgoing(event("post-1")))
    assert not publisher.is_connected


async def test_after_it_was_closed_nothing_is_published(amqp_vhost_url: str) -> None:
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())
    await publisher.connect(Topology("station"))
    await publisher.close()

    with pytest.raises(BrokerUnavailable, match="not connected"):
        await publisher.publish(Outgoing(event("post-1"), mandatory=False))
    assert not publisher.is_connected


async def test_a_connection_lost_in_the_middle_is_told_and_comes_back(station: Station, broker_node: Broker) -> None:
    lost = asyncio.create_task(close_connections(broker_node, "station publishing"))
    results: list[BaseException | None] = []
    sent: list[Envelope] = []
    while not lost.done():
        some = [event(f"post-{len(sent)}-{number}") for number in range(50)]
        results += await station.publisher.publish_all(Outgoing(one) for one in some)
        sent += some
    await lost

    async def publishes_again() -> bool:
        (result,) = await station.publisher.publish_all([Outgoing(event("again"))])
        results.append(result)
        return result is None

    await eventually(publishes_again, every=0.1)
    await eventually(lambda: "again" in station.times())

    confirmed = {one.message_id for one, error in zip(sent, results, strict=False) if error is None}
    assert confirmed <= {message.message_id for _, message in station.arrived}
    assert {type(error) for error in results} <= {BrokerUnavailable, type(None)}


async def test_a_connection_that_breaks_off_while_it_opens_is_opened_again(
    amqp_vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever byte it breaks off."""
    monkeypatch.setattr(kept_connection, "RECONNECT_SECONDS", 0.01)
    async with Wire.to(amqp_vhost_url) as wire:
        wire.ends_after = [0, 0, 1, 7, 8, *range(9, 1000, 31)]
        await wire.cut()
        publisher = Publisher(wire.url, app_id="station", clock=SystemClock())
        connecting = asyncio.create_task(publisher.connect(Topology("station", (ARRIVALS,))))
        await eventually(lambda: wire.turned_away >= 10)
        wire.mend()

        await asyncio.wait_for(connecting, PATIENCE)
        wire.ends_after = []
        await eventually(lambda: is_taken(publisher), every=0.1)
        await publisher.close()


async def test_whatever_opening_a_connection_fails_with_it_is_opened_again(
    amqp_vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's end of an iteration once ended the loop that connects, and nothing was ever published again."""
    monkeypatch.setattr(kept_connection, "RECONNECT_SECONDS", 0.01)
    errors = [StopAsyncIteration(), EOFError(), ConnectionError(), KeyError("server_properties")]
    usual = PublishingConnection._open.__func__  # type: ignore[attr-defined]

    async def opened(cls: type[PublishingConnection], *arguments: Any) -> PublishingConnection:
        if errors:
            raise errors.pop()
        result: PublishingConnection = await usual(cls, *arguments)
        return result

    monkeypatch.setattr(PublishingConnection, "_open", classmethod(opened))
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())

    await asyncio.wait_for(publisher.connect(Topology("station", (ARRIVALS,))), PATIENCE)

    assert await is_taken(publisher)
    await publisher.close()


async def is_taken(publisher: Publisher) -> bool:
    (error,) = await publisher.publish_all([Outgoing(event("post-1"))])
    return error is None


async def test_a_broker_that_does_not_answer_is_not_waited_for_for_ever(amqp_vhost_url: str) -> None:
    async with Wire.to(amqp_vhost_url) as wire:
        publisher = Publisher(wire.url, app_id="station", clock=SystemClock())
        await publisher.connect(Topology("station", (ARRIVALS,)))
        wire.is_held = True
        began = time.monotonic()

        with pytest.raises(BrokerUnavailable, match=r"no confirm for schedule.cancel_requested: the connection broke"):
            await publisher.publish(Outgoing(event("post-1")), within=SECOND / 2)

        assert time.monotonic() - began < LONGEST_HOLD
        wire.is_held = False
        await publisher.close()


async def test_what_was_not_written_when_its_connection_ended_goes_over_the_next(amqp_vhost_url: str) -> None:
    async with Station.open(amqp_vhost_url, delay="wheel") as station, Wire.to(amqp_vhost_url) as wire:
        publisher = Publisher(wire.url, app_id="station", clock=SystemClock())
        await publisher.connect(Topology("station"))
        connection = await publisher._kept.current()
        wire.is_held = True
        soon = Outgoing(*delayed(event("post-1"), datetime.now(UTC) + SECOND, now=datetime.now(UTC)))

        publishing = asyncio.create_task(publisher.publish(soon, within=PATIENCE * SECOND))
        looking = asyncio.create_task(publisher.has_queue(ARRIVALS.name))
        await eventually(lambda: connection.channel.confirmations, what="it is asked whether the broker takes messages")
        await eventually(lambda: len(connection.connection.channels) > 1, what="the queue is looked for")
        await wire.cut()
        wire.is_held = False
        wire.mend()

        await publishing
        assert await looking
        await eventually(lambda: station.arrived)
        await publisher.close()

    assert len(station.arrived) == 1


async def test_a_delay_runs_on_while_the_connection_is_away(amqp_vhost_url: str) -> None:
    async with Station.open(amqp_vhost_url, delay="wheel") as station, Wire.to(amqp_vhost_url) as wire:
        publisher = Publisher(wire.url, app_id="station", clock=SystemClock())
        await publisher.connect(Topology("station"))
        await wire.cut()
        await eventually(lambda: not publisher.is_connected)

        now = datetime.now(UTC)
        release_at = now + 3 * SECOND
        asked_at: list[datetime] = []

        async def publish() -> None:
            asked_at.append(datetime.now(UTC))
            await publisher.publish(Outgoing(*delayed(event("post-1"), release_at, now=now)))

        publishing = asyncio.create_task(publish())
        await eventually(lambda: datetime.now(UTC) > now + SECOND)
        mended_at = datetime.now(UTC)
        wire.mend()
        await publishing
        await eventually(lambda: station.arrived)
        await publisher.close()

    ((arrived_at, message),) = station.arrived
    deaths: Any = message.headers["x-death"]
    left = max(release_at - mended_at, 0 * SECOND) + (asked_at[0] - now)  # it runs from when it was asked for
    assert int(deaths[0]["original-expiration"]) * SECOND / 1000 <= left + SECOND / 50
    assert -SECOND / 50 < arrived_at - release_at < LATE


async def test_with_the_plugin_too_a_delay_runs_while_its_message_waits_for_the_connection(
    amqp_vhost_url: str,
) -> None:
    """Such a delay is a header, which every broker carries."""
    delayed_by_header = event("post-1").to(EVENTS_EXCHANGE, headers={DELAY_HEADER: 5000})
    async with Station.open(amqp_vhost_url) as station, Wire.to(amqp_vhost_url) as wire:
        publisher = Publisher(wire.url, app_id="station", clock=SystemClock())
        await publisher.connect(Topology("station"))
        await wire.cut()
        await eventually(lambda: not publisher.is_connected)
        began_at = datetime.now(UTC)
        publishing = asyncio.create_task(publisher.publish(Outgoing(delayed_by_header)))
        await eventually(lambda: datetime.now(UTC) > began_at + SECOND)
        wire.mend()
        await publishing
        await eventually(lambda: station.arrived)
        await publisher.close()

    ((_, message),) = station.arrived
    left: Any = message.headers[DELAY_HEADER]
    assert 0 <= left <= 4000


@pytest.fixture(params=["wheel", "plugin"])
def delay(request: pytest.FixtureRequest, broker_node: Broker) -> DelayKind:
    """Both delayed exchanges keep the same promise, where the broker has them."""
    kind: DelayKind = request.param
    overview = json.loads(manage(broker_node, "GET", "/api/overview"))
    known = {one["name"] for one in overview["exchange_types"]}
    if kind == "plugin" and "x-delayed-message" not in known:
        pytest.skip("this broker lacks the x-delayed-message plugin")
    return kind


async def test_the_delayed_exchange_lets_go_in_time_whatever_waits_beside(
    amqp_vhost_url: str, delay: DelayKind
) -> None:
    async with Station.open(amqp_vhost_url, delay=delay) as station:
        now = datetime.now(UTC)
        start = now.replace(microsecond=0) + 4 * SECOND
        releases = {"due already": now - SECOND}
        releases |= {f"after-{ms}": start + timedelta(milliseconds=ms) for ms in (0, 300, 900, 1000, 1500, 1999, 2500)}
        releases |= {"the same slot, later first": start + timedelta(milliseconds=950), "then": start + SECOND / 20}

        for post_id, release_at in releases.items():
            addressed = delayed(event(post_id), release_at, now=datetime.now(UTC), kind=delay)
            await station.publisher.publish(Outgoing(*addressed))
        await eventually(lambda: len(station.arrived) == len(releases))

    assert slot_of(releases["then"]) == slot_of(releases["the same slot, later first"])
    arrived = station.times()
    early = {post_id: releases[post_id] - arrived[post_id] for post_id in releases if post_id != "due already"}
    assert max(early.values()) < timedelta(milliseconds=20), early
    assert min(early.values()) > -LATE, early
    assert arrived["due already"] - now < LATE
    for _, message in station.arrived:
        assert message.routing_key == TYPE
        assert (message.delivery_mode, message.type, message.app_id) == (DeliveryMode.PERSISTENT, TYPE, "station")
        assert message.correlation_id == f"about-{json.loads(message.body)['post_id']}"
        assert message.expiration is None


def freeze(longer_than: timedelta) -> None:
    time.sleep(longer_than.total_seconds() + 0.5)


async def test_a_confirm_that_came_while_the_process_was_frozen_is_read(
    amqp_vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To cut the connection for it would send everything again that was on its way."""
    within, send = 3 * SECOND, PublishingConnection.send

    async def send_and_freeze(self: PublishingConnection, compose: Callable[[], Sequence[Addressed]]) -> list[Confirm]:
        confirms = await send(self, compose)
        await asyncio.sleep(0)  # it is written
        freeze(within)
        return confirms

    monkeypatch.setattr(PublishingConnection, "send", send_and_freeze)
    async with Station.open(amqp_vhost_url) as station:
        await station.publisher.publish(Outgoing(event("post-1")), within=within)


@pytest.fixture
def slow_in_making(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The broker takes longer for all queues than it may be silent, not for each; how often they were made."""
    made: list[int] = []

    async def slowly(to: Any, topology: Topology, queues: Any, answers: Answers, foreign: set[str]) -> None:
        made.append(1)
        for _ in range(5):
            await asyncio.sleep(0.6 * connection.OPEN_SECONDS)
            answers.note()
        await declare(to, topology, queues, answers, foreign)

    monkeypatch.setattr(connection, "OPEN_SECONDS", 3.0)
    monkeypatch.setattr(kept_connection, "LOOKS", 3)
    monkeypatch.setattr(making, "declare", slowly)
    return made


async def test_a_broker_that_is_slow_in_making_queues_is_given_the_time(
    amqp_vhost_url: str, slow_in_making: list[int]
) -> None:
    """To begin again each time would never end where the queues take longer than a connection may to open."""
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())

    await publisher.connect(Topology("station", (ARRIVALS,)))

    assert len(slow_in_making) == 1
    assert await publisher.make_again()
    assert len(slow_in_making) == 2
    await publisher.close()


async def test_the_connection_outlives_questions_about_queues_that_are_not_there(amqp_vhost_url: str) -> None:
    """RabbitMQ closes the channel of each, and the connection where its number is used again and nobody had agreed."""
    opened = await PublishingConnection.open(amqp_vhost_url, Topology("station", (ARRIVALS,)))
    names = [name for number in range(20) for name in (ARRIVALS.name, f"nowhere.{number}")]

    for _ in range(40):
        found = await asyncio.gather(*map(opened.queue_figures, names))

        assert [figures is not None for figures in found] == [True, False] * 20
    await opened.close()


async def test_who_asks_while_the_connection_is_closed_gets_an_answer_or_an_error(amqp_vhost_url: str) -> None:
    """Cancelled in his place, a loop would end without a word."""
    publisher, heard = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock()), list[BaseException]()
    await publisher.connect(Topology("station", (ARRIVALS,)))

    async def ask(question: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await question()
        except BaseException as error:
            heard.append(error)

    for turn in range(20):
        connection = await publisher._kept.current()
        asking = [
            asyncio.create_task(ask(question))
            for question in (
                partial(connection.queue_figures, ARRIVALS.name),
                partial(publisher.has_queue, ARRIVALS.name),
                publisher.make_again,
            )
        ]
        await asyncio.sleep(turn * 0.0002)
        await asyncio.wait_for(asyncio.gather(connection.close(), *asking), PATIENCE)

    assert not [error for error in heard if isinstance(error, asyncio.CancelledError)]
    assert publisher._kept._keeping is not None
    assert not publisher._kept._keeping.done()
    await publisher.close()
