"""Publishing: confirmed, mandatory where asked, never without a timeout; on a connection that nothing consumes from."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

import aiormq
from pamqp.commands import Queue
from yarl import URL

from shared.clocks.awake_timeout import AwakeTimeout
from shared.clocks.clock import Clock, loop_time
from shared.messaging.connection import Addressed, PublishingConnection
from shared.messaging.delay import DELAY_HEADER, HORIZON
from shared.messaging.envelope import Envelope, Headers
from shared.messaging.kept_connection import LOST, KeptConnection
from shared.messaging.refusals import why_lost
from shared.messaging.refusing import Refusing
from shared.messaging.returns import Confirm
from shared.messaging.topology import EVENTS_EXCHANGE, Topology

PUBLISH_TIMEOUT = timedelta(seconds=10)
TRY_SECONDS = 3.0
BATCH = 50
"""Messages written together: more would keep the event loop for over a millisecond or two."""


class BrokerUnavailable(Exception):
    """The broker did not confirm the message; it may have landed all the same."""


class Unroutable(BrokerUnavailable):
    """No queue wants the message."""


class NotTaken(BrokerUnavailable):
    """A queue that wants the message did not take it."""


class QueuesFail(BrokerUnavailable):
    """The broker is there, and goes on refusing what is meant for its queues."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An envelope with its time to live; `mandatory` refuses a message that no queue takes."""

    envelope: Envelope
    expiration_ms: int | None = None
    mandatory: bool = True

    @property
    def is_delayed(self) -> bool:
        """Whether it is to arrive later than it is sent, by the wheel or by the plugin."""
        return self.expiration_ms is not None or DELAY_HEADER in self.envelope.headers

    def after(self, seconds: float) -> "Outgoing":
        """The same when it has waited so long: its delay has been running."""
        milliseconds, delay = int(seconds * 1000), self.envelope.headers.get(DELAY_HEADER)
        left = None if self.expiration_ms is None else max(0, self.expiration_ms - milliseconds)
        if not isinstance(delay, int):
            return replace(self, expiration_ms=left)
        headers: Headers = {DELAY_HEADER: max(0, delay - milliseconds)}
        return replace(self, envelope=self.envelope.to(self.envelope.exchange, headers=headers), expiration_ms=left)

    @classmethod
    def of(cls, envelope: Envelope) -> Self:
        """The envelope as it goes out: on the events exchange it may go unheard, elsewhere it must reach a queue."""
        return cls(envelope, mandatory=envelope.exchange != EVENTS_EXCHANGE)


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How many messages wait in a queue, and how many consumers it has."""

    messages: int
    consumers: int


class Publisher:
    """Publishes with confirms, over one connection after another; each makes first what the service needs."""

    def __init__(self, url: str, *, app_id: str, clock: Clock) -> None:
        self._app_id = app_id
        self._clock = clock
        self._refusing = Refusing()
        self._kept = KeptConnection(named(url, f"{app_id} publishing"), Topology(app_id))
        self._has_hung = False
        self._distrusted_until = 0.0

    async def connect(self, topology: Topology) -> None:
        """Connect, retrying for as long as the broker is away, and make what the service needs."""
        self._kept.topology = topology
        await self._kept.keep()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection on which a publish could go out."""
        return self._kept.is_open

    @property
    def trouble(self) -> str | None:
        """Why there is no connection; None while there is one."""
        return None if self._kept.is_open else self._kept.trouble

    @property
    def may_delay(self) -> bool:
        """Whether the delayed exchange can be relied on.

        A delayed message on a connection that hung may arrive when that is over, with its whole delay. It then stands
        in its slot before others that are due earlier, until it has expired.
        """
        return loop_time() >= self._distrusted_until

    def avoid_delays(self) -> None:
        """Do not rely on the delayed exchange for as long as its wheel takes to turn: it has lost messages."""
        self._distrusted_until = max(self._distrusted_until, loop_time() + HORIZON.total_seconds())

    async def try_publishing(self) -> None:
        """Raise BrokerUnavailable unless the broker takes messages now, and its queues have lately."""
        if problem := self._refusing.problem(loop_time()):
            raise QueuesFail(problem)
        try:
            async with asyncio.timeout(TRY_SECONDS):
                await (await self._kept.current()).flows()
        except LOST as error:
            why = self.trouble or "an alarm for memory or disk, or it hangs"
            raise BrokerUnavailable(f"the broker takes no messages: {why}") from error

    async def publish(self, outgoing: Outgoing, *, within: timedelta = PUBLISH_TIMEOUT) -> None:
        """Send one message and wait for the broker's confirm, or raise BrokerUnavailable."""
        (error,) = await self.publish_all([outgoing], within=within)
        if error is not None:
            raise error

    async def publish_all(
        self, outgoing: Iterable[Outgoing], *, within: timedelta = PUBLISH_TIMEOUT
    ) -> Sequence[BrokerUnavailable | None]:
        """Send many at once; the answer has, in order, None for each that was confirmed.

        What was not written when the connection ended goes over the next one, while there is time.
        What no queue takes is sent again once the service's own queues have been made again, in case they are gone.
        """
        asked_at, listed = loop_time(), list(outgoing)
        deadline = asked_at + within.total_seconds()
        errors = await self._attempt(listed, asked_at, deadline)
        unroutable = [place for place, error in enumerate(errors) if isinstance(error, Unroutable)]
        if unroutable and await self.make_again():
            again = await self._attempt([listed[place] for place in unroutable], asked_at, deadline)
            for place, error in zip(unroutable, again, strict=True):
                errors[place] = error
        for one, error in zip(listed, errors, strict=True):
            if error is None:
                self._refusing.note_taken(one.envelope.type)
            elif isinstance(error, NotTaken):
                self._refusing.note(one.envelope.type, error, loop_time())
        return errors

    async def _attempt(
        self, outgoing: Sequence[Outgoing], asked_at: float, deadline: float
    ) -> list[BrokerUnavailable | None]:
        confirms: list[Confirm] = []
        problem: BaseException = TimeoutError()
        connection: PublishingConnection | None = None
        try:
            async with AwakeTimeout(deadline - loop_time()):
                connection = await self._kept.current()
                if self._has_hung or _any_delayed(outgoing):
                    await self._find_flowing(connection)
                for start in range(0, len(outgoing), BATCH):
                    confirms += await self._send(connection, outgoing[start : start + BATCH], asked_at)
                if confirms:
                    await asyncio.wait(confirms)
        except LOST as error:
            problem = error
        if connection and isinstance(problem, TimeoutError) and not all(confirm.done() for confirm in confirms):
            self._cut(connection, outgoing[: len(confirms)])
        answers, unsent = [*map(_answer, outgoing, confirms)], outgoing[len(confirms) :]
        if unsent and connection and _has_ended(connection, problem):
            return answers + await self._attempt(unsent, asked_at, deadline)
        return answers + [_unavailable(one, problem) for one in unsent]

    async def _send(
        self, connection: PublishingConnection, batch: Sequence[Outgoing], asked_at: float
    ) -> Sequence[Confirm]:
        return await connection.send(lambda: [self._addressed(one, asked_at) for one in batch])

    def _cut(self, connection: PublishingConnection, unconfirmed: Sequence[Outgoing]) -> None:
        connection.cut("no confirm in time")
        self._has_hung = True
        if _any_delayed(unconfirmed):
            self._distrusted_until = math.inf

    async def _find_flowing(self, connection: PublishingConnection) -> None:
        """Wait until the broker takes messages: what has a time to live must not wait in a socket."""
        await connection.flows()
        self._has_hung = False
        if self._distrusted_until == math.inf:
            self._distrusted_until = loop_time() + HORIZON.total_seconds()

    def _addressed(self, outgoing: Outgoing, asked_at: float) -> Addressed:
        """The message as it leaves now: its delay has been running while it waited for the connection."""
        left = outgoing.after(loop_time() - asked_at) if outgoing.is_delayed else outgoing
        envelope = left.envelope
        properties = envelope.properties(app_id=self._app_id, now=self._clock.now(), expiration_ms=left.expiration_ms)
        return Addressed(envelope.body, properties, envelope.exchange, envelope.routing_key, outgoing.mandatory)

    async def make_again(self) -> bool:
        """Make again what the service needs, unless that has just been done; whether it is there now."""
        return await self._kept.make_again()

    async def has_queue(self, name: str) -> bool:
        """Whether the broker has this queue, or raise BrokerUnavailable."""
        return await self.queue_figures(name) is not None

    async def queue_figures(self, name: str) -> QueueFigures | None:
        """How full a queue is and how many consume it, None where there is none, or raise BrokerUnavailable."""
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT.total_seconds()):
                found = await self._looked_for(name)
        except LOST as error:
            raise BrokerUnavailable(f"cannot look for {name}: {why_lost(error)}") from error
        return QueueFigures(found.message_count or 0, found.consumer_count or 0) if found else None

    async def _looked_for(self, name: str) -> Queue.DeclareOk | None:
        """What the broker says of a queue, on the next connection where this one ends meanwhile."""
        while True:
            connection = await self._kept.current()
            try:
                return await connection.queue_figures(name)
            except LOST as error:
                if not _has_ended(connection, error):
                    raise

    async def close(self) -> None:
        """Close the connection; what is unconfirmed stays in its outbox."""
        await self._kept.close()


def _has_ended(connection: PublishingConnection, error: BaseException) -> bool:
    """Whether the work failed because the connection has ended: the next one may do it."""
    return not connection.is_open and not isinstance(error, TimeoutError)


def _any_delayed(outgoing: Iterable[Outgoing]) -> bool:
    return any(one.is_delayed for one in outgoing)


def _answer(outgoing: Outgoing, confirm: Confirm) -> BrokerUnavailable | None:
    return _unavailable(outgoing, confirm.exception() if confirm.done() else TimeoutError())


def _unavailable(outgoing: Outgoing, error: BaseException | None) -> BrokerUnavailable | None:
    envelope = outgoing.envelope
    if error is None:
        return None
    if isinstance(error, aiormq.exceptions.PublishError):
        return Unroutable(f"no queue takes {envelope.type} ({envelope.exchange!r}, {envelope.routing_key!r})")
    if isinstance(error, aiormq.exceptions.DeliveryError):
        return NotTaken(f"the broker refused {envelope.type}: a queue that it goes to is full, or fails")
    unconfirmed = BrokerUnavailable(f"no confirm for {envelope.type}: {why_lost(error)}")
    unconfirmed.__cause__ = error
    return unconfirmed


def named(url: str, name: str) -> str:
    """The broker's URL with the name that operators see in the list of connections."""
    return str(URL(url).update_query(name=name))
