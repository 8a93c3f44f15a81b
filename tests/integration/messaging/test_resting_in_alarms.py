"""What is to rest while the broker takes no messages waits in hand, and is neither returned, counted nor parked."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.messaging import in_hand
from shared.messaging.topology import DELIVERY_LIMIT
from shared.messaging.verdict import TryAgain
from tests.nodes import Broker, alarm
from tests.support.shop import Order, Shop
from tests.support.waiting import eventually

POSTS = [f"post-{number}" for number in range(5)]


async def test_what_rests_during_an_alarm_is_tried_for_longer_than_the_delivery_limit_and_rests_afterwards(
    amqp_vhost_url: str, broker_node: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_hand, "AGAIN_SECONDS", 0.01)
    is_alarmed, tries = asyncio.Event(), list[Any]()

    async def rests(order: Order, times: int) -> None:
        await is_alarmed.wait()
        if times == 1:
            raise TryAgain(timedelta(seconds=5))

    async with Shop.open(amqp_vhost_url) as shop:
        shop.reactions |= dict.fromkeys(POSTS, rests)
        publisher = shop.consumer.publisher
        usual = publisher.publish

        async def publish_in_haste(outgoing: Any) -> None:
            tries.append(outgoing)
            await usual(outgoing, within=timedelta(milliseconds=50))

        for post_id in POSTS:
            await shop.order(post_id)
            await shop.handled(post_id)
        monkeypatch.setattr(publisher, "publish", publish_in_haste)
        async with alarm(broker_node) as lift:
            is_alarmed.set()
            await eventually(lambda: len(tries) > len(POSTS) * (DELIVERY_LIMIT + 5), what="it is tried again and again")
            assert shop.came == dict.fromkeys(POSTS, 1)
            await lift()
        monkeypatch.setattr(publisher, "publish", usual)

        for post_id in POSTS:
            await shop.handled(post_id, 2)
        await shop.is_settled()  # a copy that was not confirmed in time may have landed all the same, and come as well
        assert await shop.bus.resting_in("shop.dead") == []
