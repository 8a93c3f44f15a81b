"""One publishing connection, from its opening to its end. It is never mended: another one takes its place.

What is written to a connection that hangs may arrive whenever it likes, with the delay it was written with. So a
connection on which a confirm does not come in time is cut off, and what it has not sent yet is lost with it; and
nothing is written while the broker says that it takes no messages.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self, TypeVar

import aiormq
import structlog
from aiormq.abc import ChannelFrame
from aiormq.connection import TransportFactory
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader
from yarl import URL

from shared.connections.cancellations import StrayCancellations
from shared.connections.cutting import cut_off
from shared.messaging.amqp_connection import AmqpConnection
from shared.messaging.answers import Answers, let_go
from shared.messaging.declaring import figures_of
from shared.messaging.making import Making
from shared.messaging.returns import Confirm, Returns
from shared.messaging.topology import Topology
from shared.messaging.transport import Encrypted, Plain

OPEN_SECONDS = 10.0
"""Without an answer, while the connection is opened and what the service needs is made."""
CLOSE_SECONDS = 1.0
LOOK_SECONDS = 1.0
A_MOMENT = 0.01
HEARTBEAT_SECONDS = 20
NOWHERE = "timeball.nowhere"
"""A queue that there is not."""
_ENDED = "the connection has ended"

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message and where it goes."""

    body: bytes
    properties: commands.Basic.Properties
    exchange: str
    routing_key: str
    mandatory: bool


_TO_NOBODY = Addressed(b"?", commands.Basic.Properties(), "", NOWHERE, mandatory=False)
"""It needs a body: in an alarm RabbitMQ takes the header of one more message and reads nothing after that, so that an
empty message is confirmed once."""


class _Transport(TransportFactory):
    """Remembers the socket, to cut it off."""

    def __init__(self, factory: TransportFactory) -> None:
        self._factory = factory
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await self._factory.create(url, **options)
        return reader, self._writer

    def abort(self) -> None:
        if self._writer is not None:
            cut_off(self._writer.transport)


@dataclass
class PublishingConnection:
    """A connection with one channel in confirm mode."""

    connection: aiormq.Connection
    channel: aiormq.Channel
    _transport: _Transport
    answers: Answers
    making: Making
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._returns = Returns(self.channel)

    @classmethod
    async def open(cls, url: str, topology: Topology) -> Self:
        """Connect, and make what the service needs.

        This and `close` wait in tasks of their own, which they leave behind: aiormq, cancelled, waits once more.
        """
        to = URL(url).update_query(heartbeat=HEARTBEAT_SECONDS)
        transport = _Transport(Encrypted() if to.scheme == "amqps" else Plain())
        connection, answers = AmqpConnection(to, transport_factory=transport), Answers()
        opening = asyncio.create_task(cls._open(connection, transport, topology, answers))
        try:
            await answers.end_of(opening, silence=OPEN_SECONDS)
        finally:
            if not opening.done():
                opening.add_done_callback(let_go)
                opening.cancel()
                transport.abort()
        if not opening.done():
            raise TimeoutError("the broker did not answer in time")
        if opening.cancelled():  # by aiormq, whose own tasks have ended
            raise ConnectionError("the connection broke off while it was opened")
        return opening.result()

    @classmethod
    async def _open(
        cls, connection: aiormq.Connection, transport: _Transport, topology: Topology, answers: Answers
    ) -> Self:
        await connection.connect()
        answers.note()
        making = Making(connection, answers)
        await making.at_opening(topology)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        assert isinstance(channel, aiormq.Channel)
        opened = cls(connection, channel, transport, answers, making)
        channel.closing.add_done_callback(lambda _: opened._end())
        return opened

    @property
    def is_open(self) -> bool:
        """Whether something can be written."""
        return not self.ended.is_set()

    async def send(self, compose: Callable[[], Sequence[Addressed]]) -> list[Confirm]:
        """Write messages together, in their order, composed when the broker takes any; their confirms to come."""
        async with self.channel.lock:
            await self._ready()
            batch = compose()
            payload = b"".join(map(self._frames, batch))  # first: what cannot be written must not be counted
            confirms = [self._expect(one) for one in batch]
            try:
                await self.channel.write_queue.put(ChannelFrame(payload, should_close=False))
            except BaseException:
                self.cut("a batch could not be written whole")
                raise
        return confirms

    async def flows(self) -> None:
        """Return once the broker has confirmed a message that goes nowhere: it is not holding messages back."""
        (confirm,) = await self.send(lambda: [_TO_NOBODY])
        await asyncio.shield(confirm)

    async def _ready(self) -> None:
        """Return when the broker does not say that it takes nothing; raise when the connection has ended."""
        while self.is_open:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    return await self.connection.ready()
        raise aiormq.exceptions.ChannelInvalidStateError(_ENDED)

    async def takes_messages(self) -> bool:
        """Whether the broker does not say that it takes nothing; while it says so, it does not read what is written."""
        with suppress(TimeoutError):
            async with asyncio.timeout(A_MOMENT):
                await self.connection.ready()
                return True
        return False

    def cut(self, reason: str) -> None:
        """End it at once, whatever hangs; what it has not sent is never sent."""
        if self.is_open:
            log.warning("publishing_connection_cut", reason=reason)
        self._transport.abort()
        self._end()

    async def close(self) -> None:
        """End it, in good order while it is open."""
        if not self.is_open:
            self._transport.abort()
        self._end()
        closing = asyncio.create_task(self.connection.close())
        closing.add_done_callback(let_go)
        await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
        self._transport.abort()

    async def make(self, topology: Topology) -> None:
        """Make again whatever the service needs and is gone."""
        await _to_the_end(self.making.again(topology))

    async def make_own(self, topology: Topology) -> None:
        """The same without the wheel."""
        await _to_the_end(self.making.own_again(topology))

    async def queue_figures(self, name: str) -> commands.Queue.DeclareOk | None:
        """What the broker says of a queue, None where there is none."""
        return await _to_the_end(figures_of(self.connection, name))

    def _end(self) -> None:
        self.ended.set()
        for confirm in self.channel.confirmations.values():
            if not confirm.done():
                confirm.set_exception(aiormq.exceptions.ChannelInvalidStateError(_ENDED))
        self.channel.confirmations.clear()

    def _expect(self, one: Addressed) -> Confirm:
        channel = self.channel
        channel.delivery_tag += 1
        confirm: Confirm = channel.loop.create_future()
        confirm.add_done_callback(Confirm.exception)  # whoever gave up waiting does not ask for it
        channel.confirmations[channel.delivery_tag] = confirm
        if one.mandatory:
            looks = one.properties.message_id or "", one.exchange, one.routing_key, len(one.body)
            self._returns.expect(looks, channel.delivery_tag, confirm)
        return confirm

    def _frames(self, one: Addressed) -> bytes:
        number, most, body = self.channel.number, self.channel.max_content_size, one.body
        publish = _publish(one.exchange, one.routing_key, one.mandatory, number)
        header = marshal(ContentHeader(properties=one.properties, body_size=len(body)), number)
        bodies = [marshal(ContentBody(body[start : start + most]), number) for start in range(0, len(body), most)]
        return b"".join((publish, header, *bodies))


@lru_cache(maxsize=1000)
def _publish(exchange: str, routing_key: str, mandatory: bool, channel: int) -> bytes:
    """The first frame of a message: a service has few addresses, and many messages for each."""
    publish = commands.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
    return marshal(publish, channel)


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """The answer of work that goes on when nobody waits for it any more: aiormq, cancelled, may wait for ever for
    the end of a channel. The end of the connection is the end of the work."""
    working = asyncio.create_task(work)
    working.add_done_callback(let_go)
    with StrayCancellations():
        return await asyncio.shield(working)
