"""While its database is away a service takes nothing, and what it has goes to whoever can handle it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from shared.messaging import standby
from shared.messaging.standby import Standby
from shared.process.health import consuming
from tests.nodes import Broker
from tests.support.bus import Bus
from tests.support.connections import close_connections
from tests.support.shop import Order, Shop
from tests.support.stray import wait_for_what_is_given_up
from tests.support.waiting import eventually


class Away:
    """A database that is away while a test says so."""

    def __init__(self) -> None:
        self.is_away = True

    async def try_writing(self) -> None:
        if self.is_away:
            raise ConnectionRefusedError("away")

    async def handle(self, order: Order, times: int) -> None:
        """What needs the database."""
        await self.try_writing()


@asynccontextmanager
async def standing_by(url: str, away: Away, bus: Bus | None = None) -> AsyncIterator[Shop]:
    """A shop whose database is away, and which has noticed."""
    async with Shop.open(url, bus=bus, standby=Standby(away.try_writing)) as shop:
        standby = shop.consumer.standby
        assert standby
        ending = asyncio.create_task(standby.run())
        shop.reactions["first"] = away.handle
        await shop.order("first")
        await eventually(lambda: standby.is_on, what="it takes nothing")
        yield shop
        ending.cancel()


async def test_what_comes_meanwhile_waits_in_the_queue_and_is_handled_once_the_database_is_back(
    amqp_vhost_url: str,
) -> None:
    away = Away()
    async with standing_by(amqp_vhost_url, away) as shop:
        await shop.order("second")
        await _wait_in_the_queue(shop, 2)
        assert shop.came["second"] == 0

        away.is_away = False
        await shop.handled("second")

        await shop.is_settled()
        (came_back,) = [one for one in shop.orders[1:] if one.event.post_id == "first"]
        assert came_back.put_off_since


async def _wait_in_the_queue(shop: Shop, messages: int) -> None:
    async def wait() -> bool:
        return await shop.bus.depth("shop.orders") == messages

    await eventually(wait, what=f"{messages} wait in the queue")


async def test_a_replica_that_reaches_its_database_gets_what_another_one_had(amqp_vhost_url: str) -> None:
    async with (
        Bus.connected(amqp_vhost_url) as bus,
        standing_by(amqp_vhost_url, Away(), bus) as shop,
        Shop.open(amqp_vhost_url, bus=bus) as other,
    ):
        await other.handled("first")
        for number in range(20):
            await other.order(f"post-{number}")
        await other.handled("post-19")

        assert len([one for one in other.orders if one.event.post_id != "first"]) == 20
        assert {one.event.post_id for one in shop.orders} == {"first"}


async def test_a_connection_that_is_made_again_takes_nothing_either(amqp_vhost_url: str, broker_node: Broker) -> None:
    away = Away()
    async with standing_by(amqp_vhost_url, away) as shop:
        await _wait_in_the_queue(shop, 1)
        taken = len(shop.orders)
        await close_connections(broker_node, "shop consuming")
        await shop.order("second")
        await _wait_in_the_queue(shop, 2)
        assert len(shop.orders) == taken

        away.is_away = False
        await shop.handled("second")


async def test_what_others_give_up_while_a_consumer_is_attached_is_tried_again(
    amqp_vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the connection to the broker is lost at that moment; else the whole service would end."""
    attach, given_up = standby._attach, asyncio.Event()

    async def give_up_once(subscriber: Any) -> None:
        if not given_up.is_set():
            given_up.set()
            await wait_for_what_is_given_up()
        await attach(subscriber)

    monkeypatch.setattr(standby, "_attach", give_up_once)
    away = Away()
    async with standing_by(amqp_vhost_url, away) as shop:
        await shop.order("second")
        away.is_away = False

        await shop.handled("second")

    assert given_up.is_set()


async def test_an_error_of_one_statement_makes_nobody_stand_by(amqp_vhost_url: str) -> None:
    async def fails_once(order: Order, times: int) -> None:
        if times == 1:
            raise DBAPIError("", None, ConnectionResetError("once"), connection_invalidated=True)

    there = Away()
    there.is_away = False
    async with Shop.open(amqp_vhost_url, standby=Standby(there.try_writing)) as shop:
        shop.reactions["first"] = fails_once

        await shop.order("first")
        await shop.handled("first")
        await shop.is_alive()

        assert shop.consumer.standby
        assert not shop.consumer.standby.is_on


async def test_a_consumer_that_was_lost_is_attached_again(amqp_vhost_url: str) -> None:
    there = Away()
    there.is_away = False
    async with Shop.open(amqp_vhost_url, standby=Standby(there.try_writing)) as shop:
        await shop.order("first")
        await shop.handled("first")
        standby = shop.consumer.standby
        assert standby
        for one in standby.subscribers:
            await one._queue_obj.cancel(one._consumer_tag)
        await shop.order("second")
        await _wait_in_the_queue(shop, 1)

        await standby.attach_again()
        await standby.attach_again()

        await shop.handled("second")


async def test_a_consumer_that_the_broker_never_confirmed_is_attached_again(amqp_vhost_url: str) -> None:
    """The channel lists it all the same: it was taken for attached, and nobody took its messages."""
    there = Away()
    there.is_away = False
    async with Shop.open(amqp_vhost_url, standby=Standby(there.try_writing)) as shop:
        standby = shop.consumer.standby
        assert standby
        for one in standby.subscribers:
            channel = await one._queue_obj.channel.get_underlay_channel()
            listed = channel.consumers[one._consumer_tag]
            await one._queue_obj.cancel(one._consumer_tag)
            channel.consumers[one._consumer_tag] = listed
        assert await consuming(shop.consumer.broker)() == "shop.orders is not being consumed"
        await shop.order("first")

        await standby.attach_again()

        await shop.handled("first")
        assert await consuming(shop.consumer.broker)() is None


async def test_who_stands_by_attaches_nothing(amqp_vhost_url: str) -> None:
    async with standing_by(amqp_vhost_url, Away()) as shop:
        assert shop.consumer.standby
        await shop.consumer.standby.attach_again()

        await shop.order("second")
        await _wait_in_the_queue(shop, 2)
