"""At a real broker every message ends acknowledged, tried again later, or parked with its reason; none is ever lost."""

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aiormq.abc import AbstractChannel
from pamqp.commands import Basic

from shared.database.errors import Conflict
from shared.events.requests import ScheduleCancelRequested, TimerTriggerRequested
from shared.messaging import acknowledging
from shared.messaging.dead_letters.parking import FAILURES_HEADER
from shared.messaging.envelope import MAX_BODY_BYTES, PUT_OFF_SINCE_HEADER, SENT_AT_HEADER, UnreadableEvent
from shared.messaging.topology import DELIVERY_LIMIT, EVENTS_EXCHANGE
from shared.messaging.verdict import HandBack, Park, TryAgain
from tests.nodes import Broker
from tests.support.connections import close_connections
from tests.support.shop import PREFETCH, Order, Shop
from tests.support.stray import wait_for_what_is_given_up
from tests.support.waiting import LATE, PATIENCE, eventually

TYPE = ScheduleCancelRequested.type
TIER = timedelta(seconds=5)
COUNTED_AT_EACH_LOOK = "x-delivery-count"


@pytest.fixture
async def shop(amqp_vhost_url: str) -> AsyncIterator[Shop]:
    async with Shop.open(amqp_vhost_url) as shop:
        yield shop


def reason_of(message: AbstractIncomingMessage) -> str:
    return str(message.headers["reason"])


async def test_messages_are_handled_once_in_the_order_they_came(shop: Shop) -> None:
    posts = [f"post-{number}" for number in range(300)]

    for post_id in posts:
        await shop.order(post_id)
    await shop.handled(posts[-1])
    await shop.is_settled()

    assert [order.event.post_id for order in shop.orders] == posts
    assert await shop.bus.resting_in("shop.dead") == []


async def test_a_surplus_consumer_takes_what_no_other_has_room_for(amqp_vhost_url: str) -> None:
    done = asyncio.Event()

    async def takes_long(order: Order, times: int) -> None:
        await done.wait()

    async with Shop.open(amqp_vhost_url, surplus=True) as shop:
        shop.reactions |= {f"long-{number}": takes_long for number in range(PREFETCH)}
        for post_id in [*shop.reactions, "one more", "and another"]:
            await shop.order(post_id)
        await eventually(lambda: len(shop.surplus) == 2, what="what there is no room for is taken")
        done.set()

    assert [order.event.post_id for order in shop.orders] == [f"long-{number}" for number in range(PREFETCH)]
    assert [order.event.post_id for order in shop.surplus] == ["one more", "and another"]


async def test_each_verdict_is_carried_out(shop: Shop) -> None:
    """All that rests takes a tier's time, so it rests side by side."""
    began, came_back_at = time.monotonic(), dict[str, float]()

    async def later(order: Order, times: int) -> None:
        if times == 1:
            raise TryAgain(TIER)
        came_back_at["later"] = time.monotonic()

    async def rested_then_parked(order: Order, times: int) -> None:
        raise TryAgain(TIER) if times == 1 else Park("a person must look: 'x' \N{SNOWMAN}")

    async def flaky(order: Order, times: int) -> None:
        if times == 1:
            raise ValueError("only once")

    async def overtaken(order: Order, times: int) -> None:
        if times == 1:
            raise Conflict("another replica was first")

    async def overtaken_then_flaky(order: Order, times: int) -> None:
        if times <= 2:
            raise Conflict("another replica was first") if times == 1 else ValueError("only once")

    async def buggy(order: Order, times: int) -> None:
        raise ValueError("boom")

    shop.reactions |= {
        "later": later, "rested": rested_then_parked, "flaky": flaky, "overtaken": overtaken, "buggy": buggy,
        "overtaken, then flaky": overtaken_then_flaky,
    }  # fmt: skip
    ids = {post_id: await shop.order(post_id) for post_id in ("later", "rested", "flaky")}
    one_failure = {FAILURES_HEADER: 1}
    ids["buggy"] = await shop.bus.emit_raw(b'{"post_id": "buggy"}', TYPE, type=TYPE, headers=one_failure)
    ids["overtaken, then flaky"] = await shop.bus.emit_raw(
        b'{"post_id": "overtaken, then flaky"}', TYPE, type=TYPE, headers=one_failure
    )
    many_failures = {FAILURES_HEADER: 99, "traceparent": "00-1-2-03"}
    ids["overtaken"] = await shop.bus.emit_raw(b'{"post_id": "overtaken"}', TYPE, type=TYPE, headers=many_failures)

    dead = {post_id: await shop.dead(ids[post_id]) for post_id in ("rested", "buggy")}
    await asyncio.gather(*(shop.handled(post_id, 2) for post_id in ("later", "flaky", "overtaken")))
    await shop.handled("overtaken, then flaky", 3)
    await shop.is_settled()

    assert -0.1 < came_back_at["later"] - began - TIER.total_seconds() < LATE.total_seconds()
    twice = dict.fromkeys(("later", "rested", "flaky", "overtaken", "buggy"), 2)
    assert shop.came == twice | {"overtaken, then flaky": 3}
    assert (reason_of(dead["rested"]), reason_of(dead["buggy"])) == (
        "a person must look: 'x' \N{SNOWMAN}",
        "shop failed at it: boom; its log says more",
    )
    assert dead["rested"].body == b'{"post_id":"rested"}'
    assert set(dead["rested"].headers) - {COUNTED_AT_EACH_LOOK} == {
        "reason",
        "queue",
        "parked_at",
        FAILURES_HEADER,
        SENT_AT_HEADER,
        PUT_OFF_SINCE_HEADER,
    }
    assert {order.message_id for order in shop.orders} == set(ids.values())


NOT_EVENTS: dict[str, tuple[bytes, str, dict[str, Any], str]] = {
    "no JSON": (b"\x00\xff", TYPE, {}, "Invalid JSON: expected value"),
    "no object": (b"[1]", TYPE, {}, "Input should be an object"),
    "wrong type": (b'{"post_id": 5}', TYPE, {}, "post_id: Input should be a valid string (got 5)"),
    "missing field": (b"{}", TYPE, {}, "post_id: this field is required"),
    "lone surrogate": (b'{"post_id": "\\ud800"}', TYPE, {}, "Invalid JSON"),
    "unknown version": (b'{"post_id": "a"}', f"{TYPE}.v2", {}, f"unknown version '{TYPE}.v2'"),
    "unknown type": (b'{"post_id": "a"}', TYPE, {"type": "no.such"}, "unknown event type 'no.such'"),
    "called another": (b'{"timer": "a"}', TYPE, {"type": TimerTriggerRequested.type}, f"it came as {TYPE!r}, and its"),
    "10 MB": (b" " * 10_000_000, TYPE, {}, f"the body has 10,000,000 bytes; at most {MAX_BODY_BYTES:,} are read"),
    "deep": (b"[" * 500, TYPE, {}, "Invalid JSON: recursion limit exceeded"),
    "empty": (b"", TYPE, {}, "Invalid JSON: EOF"),
}


async def test_what_others_give_up_under_a_handler_is_tried_again(shop: Shop) -> None:
    """Neither acknowledged nor set aside, it would stay in hand for as long as the process lives."""

    async def gives_up_once(order: Order, times: int) -> None:
        if times == 1:
            await wait_for_what_is_given_up()

    shop.reactions["given up"] = gives_up_once
    await shop.order("given up")
    await eventually(lambda: len(shop.orders) == 2, what="it comes again")
    await shop.is_settled()

    assert await shop.bus.resting_in("shop.dead") == []


async def test_what_is_no_event_is_parked_with_its_reason_and_the_next_is_handled(shop: Shop) -> None:
    sent = {
        name: await shop.bus.emit_raw(body, routing_key, **properties)
        for name, (body, routing_key, properties, _) in NOT_EVENTS.items()
    }
    await shop.is_alive()

    for name, (body, _, _, reason) in NOT_EVENTS.items():
        parked = await shop.dead(sent[name])
        assert reason_of(parked).startswith(reason), name
        assert parked.body == body, name
        assert parked.headers["queue"] == "shop.orders"
    await shop.is_settled()


async def test_what_is_no_event_may_be_answered_instead(shop: Shop) -> None:
    told: list[tuple[str, str]] = []

    async def answer(error: UnreadableEvent, correlation_id: str) -> bool:
        told.append((error.reason, correlation_id))
        return True

    shop.answers_unreadable = answer

    await shop.bus.emit_raw(b"{}", TYPE, correlation_id="c-1")
    unsafe = await shop.bus.emit_raw(b"{}", TYPE, correlation_id="ü\n" * 50)
    await shop.is_alive()
    await shop.is_settled()

    assert told == [("post_id: this field is required", "c-1"), ("post_id: this field is required", unsafe)]
    assert await shop.bus.resting_in("shop.dead") == []


STRANGE: dict[str, dict[str, Any]] = {
    "reply-to": {"reply_to": "amq.rabbitmq.reply-to.x"},
    "content type": {"content_type": "text/plain; charset=utf-16", "content_encoding": "gzip"},
    "headers": {"headers": {"a": [1, {"b": None}], "x-death": "no list", "n": 2**40, "tier": 5, FAILURES_HEADER: "no"}},
    "transient": {"delivery_mode": 1, "priority": 9},
    "long identity": {"correlation_id": "x" * 255},
    "future": {"timestamp": datetime(2100, 1, 1, tzinfo=UTC)},
}


async def test_strange_properties_are_no_trouble(shop: Shop) -> None:
    for name, properties in STRANGE.items():
        await shop.bus.emit_raw(f'{{"post_id": "{name}"}}'.encode(), TYPE, **properties)

    await shop.is_alive()
    await shop.is_settled()

    assert STRANGE.keys() <= shop.came.keys()


class Bytes(str):
    """Text that goes over the wire as bytes that are no UTF-8."""

    def encode(self, *_: Any) -> bytes:
        return b"Gr\xfc\xdfe"


class Nanoseconds(Basic.Properties):
    """Nothing but a timestamp that counts nanoseconds: the year 57 million, as AMQP counts."""

    def marshal(self) -> bytes:
        timestamp_only = 1 << 6
        return struct.pack(">HQ", timestamp_only, time.time_ns())


async def send_frames(channel: AbstractChannel, post_id: str, properties: Basic.Properties) -> None:
    """Publish with properties that a decent client would refuse to send."""
    body = json.dumps({"post_id": post_id}).encode()
    await channel.basic_publish(body, exchange=EVENTS_EXCHANGE, routing_key=TYPE, properties=properties)


async def test_properties_that_nobody_can_decode_do_not_cost_the_connection(shop: Shop, amqp_vhost_url: str) -> None:
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await (await connection.channel()).get_underlay_channel()
        await send_frames(channel, "latin-1", Basic.Properties(correlation_id=Bytes(), message_id="m-1"))
        await send_frames(channel, "latin-1 header", Basic.Properties(headers={"name": Bytes()}))
        await send_frames(channel, "nanoseconds", Nanoseconds())

        for post_id in ("latin-1", "latin-1 header", "nanoseconds"):
            await shop.handled(post_id)
        await shop.is_alive()

    assert shop.came["latin-1"] == shop.came["nanoseconds"] == 1
    assert not any(order.redelivered for order in shop.orders)


class Another(str):
    """A routing key that is as long as one may be, and no UTF-8."""

    def encode(self, *_: Any) -> bytes:
        return f"{TYPE}.".encode() + b"\xfc" * 200


async def test_what_cannot_go_out_as_it_came_is_parked_all_the_same(shop: Shop, amqp_vhost_url: str) -> None:
    """Else it would stay in hand for ever, or end one publishing connection after the other."""
    headers: dict[str, Any] = {"long": "x" * 130_800}
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await (await connection.channel()).get_underlay_channel()
        for key, properties in {
            Another(): Basic.Properties(message_id="key"),
            TYPE: Basic.Properties(message_id="headers", headers=headers),
        }.items():
            await channel.basic_publish(b"{}", exchange=EVENTS_EXCHANGE, routing_key=key, properties=properties)

        assert reason_of(await shop.dead("key")).startswith("unknown event type")
        assert reason_of(await shop.dead("headers")).startswith("post_id")

    await shop.is_settled()


async def test_what_is_handed_back_comes_again_when_the_connection_is_gone(shop: Shop, amqp_vhost_url: str) -> None:
    async def hand_back(order: Order, times: int) -> None:
        raise HandBack

    shop.reactions["unstarted"] = hand_back
    message_id = await shop.order("unstarted")
    await shop.handled("unstarted")

    await shop.consumer.broker.stop()
    async with Shop.open(amqp_vhost_url) as next_shop:
        await next_shop.handled("unstarted")

    (again,) = next_shop.orders
    assert (again.message_id, again.redelivered) == (message_id, True)


async def test_what_can_be_set_aside_nowhere_stays_in_hand_until_it_can(shop: Shop, amqp_vhost_url: str) -> None:
    """Each return would count: after twenty, the broker would park what nothing is wrong with."""
    asked = asyncio.Event()

    async def park(order: Order, times: int) -> None:
        asked.set()
        raise Park("look at this")

    shop.reactions["person"] = park
    await shop.consumer.publisher.close()

    message_id = await shop.order("person")
    await asked.wait()
    await shop.is_alive()
    assert await shop.bus.depth("shop.dead") == 0
    await shop.consumer.publisher.connect(shop.topology)

    assert reason_of(await shop.dead(message_id)) == "look at this"
    assert shop.came["person"] == 1


async def test_a_connection_that_is_lost_in_the_midst_of_acknowledging_keeps_nothing_at_work(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who waited for room in it would wait for ever, and all later acknowledgements with them."""
    monkeypatch.setattr(acknowledging, "LINGER_SECONDS", 0)
    is_lost, is_back = asyncio.Event(), asyncio.Event()

    async def works_until_it_is_lost(order: Order, times: int) -> None:
        await is_lost.wait()

    async def works_for_longer(order: Order, times: int) -> None:
        await is_back.wait()

    posts = ["first", *(f"other-{number}" for number in range(50))]
    shop.reactions |= dict.fromkeys(posts, works_until_it_is_lost) | {"first": works_for_longer}
    for post_id in posts:
        await shop.order(post_id)
    await shop.handled(posts[-1])

    transport: Any = (await shop.consumer.broker.connect()).transport
    transport.connection._writer_task.cancel()
    is_lost.set()
    await shop.handled(posts[-1], 2)
    is_back.set()

    async with asyncio.timeout(PATIENCE):
        await shop.consumer.finish()
    await shop.is_alive()


async def test_what_is_in_hand_comes_again_when_its_channel_is_gone(shop: Shop, broker_node: Broker) -> None:
    async def park_at_first(order: Order, times: int) -> None:
        if times == 1:
            raise Park("look at this")

    shop.reactions["person"] = park_at_first
    await shop.consumer.publisher.close()
    await shop.order("person")
    await shop.handled("person")

    await close_connections(broker_node, "shop consuming")
    await shop.handled("person", 2)
    await shop.consumer.publisher.connect(shop.topology)
    await shop.is_settled()

    assert shop.came["person"] == 2
    assert await shop.bus.depth("shop.dead") == 0


async def test_what_keeps_killing_its_consumer_is_parked_by_the_broker(shop: Shop) -> None:
    """The broker counts deliveries; a message given back so often must not come for ever."""
    await shop.consumer.broker.stop()
    message_id = await shop.order("poison")

    async with shop.bus.connection.channel() as channel:
        queue = await channel.declare_queue("shop.orders", passive=True)

        async def is_parked() -> bool:
            message = await queue.get(fail=False, timeout=PATIENCE)
            if message is not None:
                await message.reject(requeue=True)  # since RabbitMQ 4.3 only this counts, and death
            return bool(await shop.bus.depth("shop.dead"))

        await eventually(is_parked, every=0)

    parked = await shop.dead(message_id)
    assert (parked.headers["x-first-death-reason"], DELIVERY_LIMIT) == ("delivery_limit", 20)
