"""A little service at the real broker: one queue, and handlers that do what a test tells them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import ClassVar

from aio_pika.abc import AbstractIncomingMessage

from shared.clocks.clock import SystemClock
from shared.events.requests import ScheduleCancelRequested
from shared.messaging.broker import Publisher
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters.attending import attended
from shared.messaging.envelope import Delivery, UnreadableEvent
from shared.messaging.standby import Standby
from shared.messaging.topology import Queue, Topology, dead_queue
from shared.process.service import rabbit_broker
from tests.support.bus import Bus
from tests.support.waiting import eventually

SERVICE = "shop"
ORDERS = Queue(SERVICE, "shop.orders", (ScheduleCancelRequested.type,))

PREFETCH = 100

Order = Delivery[ScheduleCancelRequested]
Reaction = Callable[[Order, int], Awaitable[None]]


async def _handled(order: Order, times: int) -> None:
    """Nothing goes wrong."""


@dataclass
class Shop:
    """What it was handed, and how it reacts: by post id, told how often that one has come."""

    topology: ClassVar[Topology] = Topology(SERVICE, (ORDERS,))

    bus: Bus
    consumer: Consumer
    reactions: dict[str, Reaction] = field(default_factory=lambda: defaultdict(lambda: _handled))
    orders: list[Order] = field(default_factory=list)
    came: Counter[str] = field(default_factory=Counter)
    surplus: list[Order] = field(default_factory=list)
    answers_unreadable: Callable[[UnreadableEvent, str], Awaitable[bool]] | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        surplus: bool = False,
        attends: bool = False,
        bus: Bus | None = None,
        standby: Standby | None = None,
        every_service: Collection[str] = (),
    ) -> AsyncIterator["Shop"]:
        """The service, consuming (with `surplus` also what there is no room for), and a bus to talk to it.

        With `attends` it tells of its dead letters, and replays and drops them. Replicas share a `bus`.
        """
        publisher, broker = Publisher(url, app_id=SERVICE, clock=SystemClock()), rabbit_broker(url, SERVICE)
        consumer = Consumer(SERVICE, broker, publisher, SystemClock(), standby)
        await publisher.connect(attended(consumer, cls.topology, every_service) if attends else cls.topology)
        async with nullcontext(bus) if bus else Bus.connected(url) as its_bus:
            shop = cls(its_bus, consumer)
            shop.consumer.subscribe(
                ORDERS, {ScheduleCancelRequested: shop.on_order}, prefetch=PREFETCH, on_unreadable=shop.on_unreadable
            )
            if surplus:
                shop.consumer.subscribe(ORDERS, {ScheduleCancelRequested: shop.on_surplus}, prefetch=10, surplus=True)
            await broker.start()
            yield shop
            await broker.stop()
            await publisher.close()

    async def on_order(self, order: Order) -> None:
        """React as the test has said."""
        post_id = order.event.post_id
        self.orders.append(order)
        self.came[post_id] += 1
        await self.reactions[post_id](order, self.came[post_id])

    async def on_surplus(self, order: Order) -> None:
        """Take what the others have no room for."""
        self.surplus.append(order)

    async def on_unreadable(self, error: UnreadableEvent, correlation_id: str) -> bool:
        """Answer bytes that are no event, if the test has said how."""
        return self.answers_unreadable is not None and await self.answers_unreadable(error, correlation_id)

    async def order(self, post_id: str) -> str:
        """Put an order into the queue; its message id."""
        return (await self.bus.emit(ScheduleCancelRequested(post_id=post_id))).message_id

    async def handled(self, post_id: str, times: int = 1) -> None:
        """Return once the order has come that often."""
        await eventually(lambda: self.came[post_id] >= times, what=f"{post_id} came {times} times")

    async def dead(self, message_id: str) -> AbstractIncomingMessage:
        """The message once it rests among the dead letters."""
        found: list[AbstractIncomingMessage] = []

        async def look() -> bool:
            resting = await self.bus.resting_in(dead_queue(SERVICE))
            found[:] = [message for message in resting if message.message_id == message_id]
            return bool(found)

        await eventually(look, every=0.2, what=f"{message_id} is parked")
        return found[0]

    async def is_alive(self) -> None:
        """Return once an order that comes now is handled."""
        post_id = f"alive-{len(self.orders)}"
        await self.order(post_id)
        await self.handled(post_id)

    async def is_settled(self) -> None:
        """Return once nothing waits, rests or is being handled."""

        async def nothing_left() -> bool:
            await asyncio.sleep(0)
            waiting = [await self.bus.depth(queue) for queue in ("shop.orders", "shop.retry.5s")]
            return not any(waiting)

        await eventually(nothing_left, every=0.2)
