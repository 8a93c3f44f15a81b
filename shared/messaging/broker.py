"""The publishing connection: confirmed, mandatory where asked, and never without a timeout."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import aio_pika
import aiormq
from aio_pika import Message
from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from yarl import URL

from shared.clock import Clock
from shared.messaging.envelope import Envelope
from shared.messaging.topology import EVENTS_EXCHANGE, Topology, declare

PUBLISH_TIMEOUT = timedelta(seconds=10)


class BrokerUnavailable(Exception):
    """The broker did not confirm the message; it may have landed all the same."""


class Unroutable(BrokerUnavailable):
    """No queue wants the message."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An envelope with its time to live; `mandatory` refuses a message that no queue takes."""

    envelope: Envelope
    expiration_ms: int | None = None
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How many messages wait in a queue, and how many consumers it has."""

    messages: int
    consumers: int


class Publisher:
    """Publishes with confirms over a connection that nothing consumes from."""

    def __init__(self, url: str, *, app_id: str, clock: Clock) -> None:
        self._url = url
        self._app_id = app_id
        self._clock = clock
        self._connection: AbstractRobustConnection | None = None
        self._channel: AbstractRobustChannel | None = None

    async def connect(self, topology: Topology) -> None:
        """Connect, retrying for as long as the broker is away, and declare what the service needs."""
        self._connection = await _connect(self._url, name=f"{self._app_id} publishing")
        self._channel = await self._open_channel(self._connection)
        async with self._connection.channel() as channel:
            await declare(channel, topology)

    async def _open_channel(self, connection: AbstractRobustConnection) -> AbstractRobustChannel:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        assert isinstance(channel, AbstractRobustChannel)
        return channel

    @property
    def is_connected(self) -> bool:
        """Whether a publish could go out now."""
        channel = self._channel
        return channel is not None and channel.is_initialized and not channel.is_closed

    async def publish(self, outgoing: Outgoing, *, within: timedelta = PUBLISH_TIMEOUT) -> None:
        """Send one message and wait for the broker's confirm, or raise BrokerUnavailable."""
        if self._channel is None:
            raise BrokerUnavailable("not connected")
        envelope, asked_at = outgoing.envelope, self._clock.now()
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._channel.ready()
                exchange = await self._channel.get_exchange(envelope.exchange, ensure=False)
                message = self._message(outgoing, asked_at)
                await exchange.publish(message, envelope.routing_key, mandatory=outgoing.mandatory)
        except aio_pika.exceptions.DeliveryError as error:
            raise _refused(outgoing, error) from error
        except (
            TimeoutError,
            OSError,
            RuntimeError,
            aiormq.exceptions.AMQPError,
        ) as error:  # a closed channel: RuntimeError
            raise BrokerUnavailable(f"no confirm for {envelope.type}: {error!r}") from error

    def _message(self, outgoing: Outgoing, asked_at: datetime) -> Message:
        """The message as it leaves now: its time to live has been running while it waited for the connection."""
        now = self._clock.now()
        left = outgoing.expiration_ms
        if left is not None:
            left = max(0, left - (now - asked_at) // timedelta(milliseconds=1))
        return outgoing.envelope.message(app_id=self._app_id, now=now, expiration_ms=left)

    async def publish_all(self, outgoing: Iterable[Outgoing]) -> Sequence[BaseException | None]:
        """Send many at once; the answer has, in order, None for each that was confirmed."""
        return await asyncio.gather(*map(self.publish, outgoing), return_exceptions=True)

    async def has_queue(self, name: str) -> bool:
        """Whether the broker has this queue, or raise BrokerUnavailable."""
        return await self.queue_figures(name) is not None

    async def queue_figures(self, name: str) -> QueueFigures | None:
        """How full a queue is and how many consume it, None where there is none, or raise BrokerUnavailable."""
        if self._connection is None:
            raise BrokerUnavailable("not connected yet")
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT.total_seconds()), self._connection.channel() as channel:
                found = (await channel.declare_queue(name, passive=True)).declaration_result
        except aiormq.exceptions.ChannelNotFoundEntity:
            return None
        except (TimeoutError, OSError, RuntimeError, aiormq.exceptions.AMQPError) as error:
            raise BrokerUnavailable(f"cannot look for {name}: {error!r}") from error
        return QueueFigures(found.message_count or 0, found.consumer_count or 0)

    async def close(self) -> None:
        """Close the connection; what is unconfirmed stays in its outbox."""
        self._channel = None
        if self._connection is not None:
            await self._connection.close()


def _refused(outgoing: Outgoing, error: aio_pika.exceptions.DeliveryError) -> BrokerUnavailable:
    envelope = outgoing.envelope
    if isinstance(error, aio_pika.exceptions.PublishError):
        return Unroutable(f"no queue takes {envelope.type} ({envelope.exchange!r}, {envelope.routing_key!r})")
    return BrokerUnavailable(f"the broker refused {envelope.type}: {error!r}")


async def _connect(url: str, *, name: str) -> AbstractRobustConnection:
    return await aio_pika.connect_robust(named(url, name), fail_fast=False, reconnect_interval=1, heartbeat=20)


def named(url: str, name: str) -> str:
    """The broker's URL with the name that operators see in the list of connections."""
    return str(URL(url).update_query(name=name))


def is_for_anyone(envelope: Envelope) -> bool:
    """Facts on the events exchange may go unheard; everything else must reach a queue."""
    return envelope.exchange == EVENTS_EXCHANGE
