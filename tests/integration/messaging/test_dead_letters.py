"""What rests among the dead letters is told of, goes back to where it came from, or is given up; nothing gets lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest

from shared.events.rebuilding import ConsoleRebuildRequested
from shared.events.requests import DeadLetterDropRequested, DeadLetterReplayRequested, ScheduleCancelRequested
from shared.messaging.dead_letters import queue as dead_letter_queue
from shared.messaging.dead_letters import settling
from shared.messaging.dead_letters.attending import queue_of
from shared.messaging.dead_letters.notices import NOTICE_HEADER
from shared.messaging.envelope import Headers
from shared.messaging.verdict import Park
from tests.nodes import Broker, alarm
from tests.support.bus import Fact
from tests.support.shop import PREFETCH, SERVICE, Order, Shop
from tests.support.waiting import PATIENCE, eventually

TYPE = ScheduleCancelRequested.type


@pytest.fixture
async def shop(amqp_vhost_url: str) -> AsyncIterator[Shop]:
    async with Shop.open(amqp_vhost_url, attends=True) as shop:
        yield shop


async def refused(order: Order, times: int) -> None:
    """What a handler does whose work cannot be done."""
    raise Park("out of stock")


async def fails_once(order: Order, times: int) -> None:
    """What a handler does whose fault somebody mends meanwhile."""
    if times == 1:
        raise Park("out of stock")


async def parked(shop: Shop, *message_ids: str) -> list[Fact]:
    """What is told of these letters once they rest."""
    return [await shop.bus.fact("dead_letter.parked", message_id=message_id) for message_id in message_ids]


async def replay(shop: Shop, *message_ids: str, **more: Any) -> Fact:
    """What came of a replay, of these letters or of all."""
    asked = await shop.bus.emit(DeadLetterReplayRequested(service=SERVICE, message_ids=message_ids or None, **more))
    return await settled(shop, "dead_letter.replayed", asked.correlation_id)


async def drop(shop: Shop, *message_ids: str, **more: Any) -> Fact:
    """What came of a drop, of these letters or of all."""
    asked = await shop.bus.emit(DeadLetterDropRequested(service=SERVICE, message_ids=message_ids or None, **more))
    return await settled(shop, "dead_letter.dropped", asked.correlation_id)


async def settled(shop: Shop, type_: str, correlation_id: str) -> Fact:
    """The last fact that a request led to."""

    def last() -> list[Fact]:
        heard = shop.bus.heard(type_, is_last=True)
        return [fact for fact in heard if fact.correlation_id == correlation_id]

    await eventually(last, what=type_)
    return last()[0]


async def resting(shop: Shop) -> list[str | None]:
    return [message.message_id for message in await shop.bus.resting_in("shop.dead")]


async def test_a_letter_is_told_of_with_its_reason_and_payload(shop: Shop) -> None:
    shop.reactions["gone"] = refused

    message_id = await shop.order("gone")
    (told,) = await parked(shop, message_id)

    assert told.body | {"parked_at": "…"} == {
        "service": "shop",
        "message_id": message_id,
        "parked_at": "…",
        "message_type": TYPE,
        "reason": "out of stock",
        "payload": '{"post_id": "gone"}',
        "size": 18,
        "replays": 0,
        "queue": "shop.orders",
        "post_id": "gone",
    }
    assert told.correlation_id == message_id


async def test_a_replayed_letter_is_handled_under_its_identity(shop: Shop) -> None:
    shop.reactions["mended"] = fails_once
    message_id = await shop.order("mended")
    (told,) = await parked(shop, message_id)

    replayed = await replay(shop)
    await shop.handled("mended", 2)

    first, second = shop.orders
    assert (first.message_id, first.correlation_id) == (second.message_id, second.correlation_id) == (message_id,) * 2
    assert replayed.body | {"looked_at": "…"} == {
        "service": "shop",
        "count": 1,
        "letters": [{"message_id": message_id, "parked_at": told.body["parked_at"], "queue": "shop.orders"}],
        "looked_at": "…",
        "kept": 0,
        "resting": 0,
        "is_last": True,
    }
    await shop.is_settled()
    assert await resting(shop) == []


async def test_a_letter_that_dies_again_rests_again_with_its_count(shop: Shop) -> None:
    shop.reactions["hopeless"] = refused
    message_id = await shop.order("hopeless")
    await parked(shop, message_id)

    await replay(shop)
    again = await shop.bus.fact("dead_letter.parked", message_id=message_id, replays=1)
    await replay(shop)
    await shop.bus.fact("dead_letter.parked", message_id=message_id, replays=2)

    assert again.body["reason"] == "out of stock"
    assert shop.came["hopeless"] == 3
    assert await resting(shop) == [message_id]


async def test_only_the_letters_that_are_named_are_replayed(shop: Shop) -> None:
    shop.reactions |= dict.fromkeys(("a", "b", "c"), fails_once)
    ids = [await shop.order(post_id) for post_id in ("a", "b", "c")]
    await parked(shop, *ids)

    replayed = await replay(shop, ids[1], "no such letter")
    await shop.handled("b", 2)

    assert (replayed.body["count"], replayed.body["resting"]) == (1, 2)
    assert await resting(shop) == [ids[0], ids[2]]


async def test_a_dropped_letter_is_gone(shop: Shop) -> None:
    shop.reactions |= dict.fromkeys(("a", "b"), refused)
    ids = [await shop.order(post_id) for post_id in ("a", "b")]
    await parked(shop, *ids)

    one = await drop(shop, ids[0])
    left = await resting(shop)
    rest = await drop(shop)

    assert (one.body["count"], left, rest.body["count"]) == (1, [ids[1]], 1)
    assert await resting(shop) == []
    assert shop.came == {"a": 1, "b": 1}


async def test_what_was_parked_after_the_instant_asked_about_rests_on(shop: Shop) -> None:
    shop.reactions |= dict.fromkeys(("early", "late"), refused)
    early, late = [await shop.order(post_id) for post_id in ("early", "late")]
    told, _ = await parked(shop, early, late)

    dropped = await drop(shop, as_of=told.body["parked_at"])

    assert dropped.body["count"] == 1
    assert await resting(shop) == [late]


async def test_every_letter_is_told_of_again_for_a_console_that_learns_anew(shop: Shop) -> None:
    shop.reactions |= dict.fromkeys(("a", "b"), refused)
    ids = [await shop.order(post_id) for post_id in ("a", "b")]
    told = await parked(shop, *ids)

    await shop.bus.emit(ConsoleRebuildRequested())
    again = [await shop.bus.fact("dead_letter.parked", message_id=message_id, count=2) for message_id in ids]

    assert [fact.body for fact in again] == [fact.body for fact in told]
    assert await resting(shop) == ids


async def test_a_request_for_another_service_is_none_of_ours(shop: Shop) -> None:
    shop.reactions["a"] = refused
    await parked(shop, message_id := await shop.order("a"))

    await shop.bus.emit(DeadLetterDropRequested(service="publisher"))
    replayed = await replay(shop, "no such letter")

    assert replayed.body["count"] == 0
    assert await resting(shop) == [message_id]


async def test_bytes_of_an_outsider_are_told_and_dropped_under_an_id_made_of_them(shop: Shop) -> None:
    await shop.bus.publish(aio_pika.Message(b'{"post_id": "x", \xff'), TYPE)
    told = await shop.bus.fact("dead_letter.parked", message_type=TYPE)

    replayed = await replay(shop, told.body["message_id"])
    again = await shop.bus.fact("dead_letter.parked", message_id=told.body["message_id"], replays=1)
    dropped = await drop(shop, told.body["message_id"])

    assert told.body["payload"] == '{"post_id": "x", \ufffd'
    assert again.body["message_type"] == TYPE
    assert (replayed.body["count"], dropped.body["count"]) == (1, 1)
    assert await resting(shop) == []


async def test_what_the_broker_itself_parks_is_told_and_goes_back_to_its_queue(shop: Shop) -> None:
    await shop.consumer.broker.stop()
    message_id = await shop.order("poison")
    await give_back_until_parked(shop)
    await shop.consumer.broker.start()

    (told,) = await parked(shop, message_id)
    replayed = await replay(shop, message_id)
    await shop.handled("poison")

    assert "delivery_limit" in told.body["reason"]
    assert (told.body["queue"], told.body["message_type"]) == ("shop.orders", TYPE)
    assert replayed.body["count"] == 1
    assert await resting(shop) == []


async def give_back_until_parked(shop: Shop) -> None:
    """Take the one order and give it back, as processes do that it kills."""
    async with shop.bus.connection.channel() as channel:
        queue = await channel.declare_queue("shop.orders", passive=True)

        async def is_parked() -> bool:
            message = await queue.get(fail=False, timeout=PATIENCE)
            if message is not None:
                await message.reject(requeue=True)  # since RabbitMQ 4.3 only this counts, and death
            return bool(await shop.bus.depth("shop.dead"))

        await eventually(is_parked, every=0)


async def test_many_letters_go_in_batches_and_are_each_handled_once_more(shop: Shop) -> None:
    posts = [f"post-{number}" for number in range(2 * settling.MOST_LETTERS + 5)]
    shop.reactions |= dict.fromkeys(posts, fails_once)
    ids = [await shop.order(post_id) for post_id in posts]
    await parked(shop, *ids)

    await replay(shop)
    await shop.handled(posts[-1], 2)
    await shop.is_settled()

    told = [letter["message_id"] for fact in shop.bus.heard("dead_letter.replayed") for letter in fact.body["letters"]]
    assert told == ids
    assert set(shop.came.values()) == {2}
    assert await resting(shop) == []


async def test_two_processes_asked_at_once_each_find_all_that_they_are_asked_for(amqp_vhost_url: str) -> None:
    """What one has in hand the other would not find."""
    posts = [f"post-{number}" for number in range(60)]
    async with (
        Shop.open(amqp_vhost_url, attends=True) as one,
        Shop.open(amqp_vhost_url, attends=True, bus=one.bus) as two,
    ):
        for shop in (one, two):
            shop.reactions |= dict.fromkeys(posts, refused)
        ids = [await one.order(post_id) for post_id in posts]
        await parked(one, *ids)
        for shop in (one, two):
            shop.reactions.clear()

        first, second, all_again = await asyncio.gather(replay(one, *ids[::2]), replay(one, *ids[1::2]), replay(one))
        await eventually(lambda: (one.came + two.came).total() >= 2 * len(posts), what="all have come again")
        await one.is_settled()

        assert (first.body["count"], second.body["count"], all_again.body["count"]) == (30, 30, 0)
        assert set((one.came + two.came).values()) == {2}
        assert await resting(one) == []


async def test_a_replay_waits_while_the_queue_is_long(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes meanwhile must not wait behind ten thousand letters."""
    monkeypatch.setattr(settling, "MOST_LETTERS", 10)
    monkeypatch.setattr(settling, "MOST_WAITING", 5)
    is_open, letters = asyncio.Event(), [f"post-{number}" for number in range(PREFETCH + 50)]

    async def takes_long(order: Order, times: int) -> None:
        if times == 1:
            raise Park("out of stock")
        await is_open.wait()

    shop.reactions |= dict.fromkeys(letters, takes_long)
    await parked(shop, *[await shop.order(post_id) for post_id in letters])
    replaying = asyncio.create_task(replay(shop))
    await eventually(lambda: len(shop.orders) == len(letters) + PREFETCH, what="all hands are full")
    await eventually(lambda: shop.bus.depth("shop.orders"), what="the queue grows")
    waiting = await shop.bus.depth("shop.orders")
    is_open.set()
    await replaying

    assert waiting <= 5 + 10
    await shop.handled(letters[-1], 2)


async def test_a_letter_of_a_queue_that_is_no_more_rests_on(shop: Shop) -> None:
    """A header of an outsider must not choose the queue of another service either."""
    headers: Headers = {"queue": "publisher.requests", "reason": "why", "parked_at": "2027-03-28T09:30:00Z"}
    message = aio_pika.Message(b"{}", message_id="m-1", type=TYPE, headers=dict(headers))
    dead = await shop.bus.channel.get_exchange("timeball.dead", ensure=False)
    await dead.publish(message, "shop.dead", timeout=PATIENCE)

    replayed = await replay(shop)

    assert (replayed.body["count"], replayed.body["kept"]) == (0, 1)
    assert await resting(shop) == ["m-1"]


async def test_a_notice_that_nobody_can_handle_is_not_told_of_in_its_turn(shop: Shop) -> None:
    message = aio_pika.Message(b"{}", message_id="m-1", type="no.such", headers={NOTICE_HEADER: 1})
    await shop.bus.publish(message, TYPE)
    shop.reactions["after it"] = refused

    await parked(shop, await shop.order("after it"))

    assert shop.bus.heard("dead_letter.parked", message_id="m-1") == []
    assert "m-1" in await resting(shop)


async def test_a_replay_that_an_alarm_interrupts_is_carried_out_after_it(shop: Shop, broker_node: Broker) -> None:
    shop.reactions["a"] = fails_once
    await parked(shop, await shop.order("a"))
    await shop.consumer.broker.stop()
    asked = await shop.bus.emit(DeadLetterReplayRequested(service=SERVICE))
    async with alarm(broker_node) as lift:
        await shop.consumer.broker.start()
        requests = queue_of(SERVICE).name
        await eventually(lambda: is_empty(shop, requests), what="the request is at work")
        await lift()

    replayed = await settled(shop, "dead_letter.replayed", asked.correlation_id)
    await shop.handled("a", 2)

    assert replayed.body["count"] == 1
    assert await resting(shop) == []


async def is_empty(shop: Shop, queue: str) -> bool:
    return await shop.bus.depth(queue) == 0


async def test_what_somebody_else_holds_is_left_to_the_next_request(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who looks through the queue in RabbitMQ's own page has letters in hand for a moment."""
    monkeypatch.setattr(dead_letter_queue, "LONGEST_GAP_SECONDS", 0.5)
    shop.reactions |= dict.fromkeys(("a", "b"), fails_once)
    await parked(shop, *[await shop.order(post_id) for post_id in ("a", "b")])

    async with shop.bus.connection.channel() as channel:
        queue = await channel.declare_queue("shop.dead", passive=True)
        await queue.get(no_ack=False, timeout=PATIENCE)
        first = await replay(shop)
    rest = await replay(shop)

    assert (first.body["count"], rest.body["count"]) == (1, 1)
    await shop.handled("a", 2)
    await shop.handled("b", 2)


async def test_a_request_for_a_service_that_there_is_not_is_parked_with_those_that_there_are(
    amqp_vhost_url: str,
) -> None:
    async with Shop.open(amqp_vhost_url, attends=True, every_service=(SERVICE, "other")) as shop:
        for_the_other = await shop.bus.emit(DeadLetterDropRequested(service="other"))
        asked = await shop.bus.emit(DeadLetterReplayRequested(service="nope"))
        (told,) = await parked(shop, asked.message_id)

        assert told.body["reason"] == "service: there is no service 'nope'; there are shop, other"
        assert shop.bus.heard("dead_letter.parked", message_id=for_the_other.message_id) == []
