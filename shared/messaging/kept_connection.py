"""The publishing connection that there always is: one after another, each of which makes first what is needed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiormq
import structlog

from shared.clocks.awake_timeout import AwakeTimeout
from shared.clocks.clock import loop_time
from shared.connections.cancellations import StrayCancellations
from shared.messaging.answers import let_go
from shared.messaging.connection import PublishingConnection
from shared.messaging.refusals import NOT_CONNECTED, why_refused
from shared.messaging.topology import Topology

RECONNECT_SECONDS = 1.0
MAKE_SECONDS = 10.0
"""How often the service's own queues and bindings are made again, in case somebody has deleted them."""
LOOK_SECONDS = 1.0
LOOKS = 10
"""How often it is looked, without an answer meanwhile, whether the broker takes anything."""
LOST = (TimeoutError, OSError, EOFError, RuntimeError, StopAsyncIteration, aiormq.exceptions.AMQPError)
"""What a connection that is gone or going makes of any call; a closed channel makes it a RuntimeError, and one that
breaks off while the broker is about to say something the end of an iteration."""

log = structlog.get_logger()


class KeptConnection:
    """Connects again and again, for as long as it is kept."""

    def __init__(self, url: str, topology: Topology) -> None:
        self._url = url
        self.topology = topology
        self.trouble: str | None = "not connected yet"
        self._connection: PublishingConnection | None = None
        self._connected = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._making = asyncio.Lock()
        self._made_at = 0.0

    async def keep(self) -> None:
        """Return when there is a first connection, however long the broker is away."""
        self._keeping = asyncio.create_task(self._keep_connected())
        await self._connected.wait()

    async def close(self) -> None:
        """Connect no more, and close the connection there is."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    @property
    def is_open(self) -> bool:
        """Whether something can be written now."""
        return self._connection is not None and self._connection.is_open

    async def current(self) -> PublishingConnection:
        """The connection, once there is one."""
        if self._keeping is None:
            raise RuntimeError(NOT_CONNECTED)
        while self._connection is None or not self._connection.is_open:
            self._connected.clear()
            await self._connected.wait()
        return self._connection

    async def make_again(self) -> bool:
        """Make again what the service needs, unless that has just been done; whether it is there now."""
        asked_at = loop_time()
        async with self._making:
            if self._made_at > asked_at:
                return True
            connection = self._connection
            if connection is None or loop_time() - self._made_at < RECONNECT_SECONDS:
                return False
            return await self._make(connection, connection.make)

    async def _keep_connected(self) -> None:
        """For ever, whatever a connection ends with: without this loop nothing is ever published again."""
        while True:
            try:
                with StrayCancellations():
                    await self._be_connected()
            except Exception as error:
                self.trouble = why_refused(error, self._url)
                log.warning("broker_not_reached", reason=self.trouble, error=repr(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _be_connected(self) -> None:
        """Return when a connection that was opened has ended."""
        self._connection = connection = await PublishingConnection.open(self._url, self.topology)
        self.trouble = None
        self._connected.set()
        try:
            await self._look_after(connection)
            self.trouble = "the connection was lost; the next is being opened"
            log.warning("publishing_connection_lost")
        finally:
            await connection.close()

    async def _look_after(self, connection: PublishingConnection) -> None:
        """Return when the connection has ended; until then keep what the service consumes in being."""
        while connection.is_open:
            try:
                async with asyncio.timeout(MAKE_SECONDS):
                    await connection.ended.wait()
            except TimeoutError:
                if await connection.takes_messages() and not connection.making.is_asking:
                    await self._make(connection, connection.make_own)

    async def _make(
        self, connection: PublishingConnection, make: Callable[[Topology], Coroutine[Any, Any, None]]
    ) -> bool:
        try:
            await _answered(connection, make(self.topology))
        except LOST as error:
            log.warning("queues_not_made", error=repr(error))
            return False
        self._made_at = loop_time()
        return True


async def _answered(connection: PublishingConnection, work: Coroutine[Any, Any, None]) -> None:
    """Raise TimeoutError when the broker does not answer in time, and cut the connection, unless the broker takes
    messages: a cluster does not answer while it waits for a node. Where it has said meanwhile that it takes nothing, it
    does not read what it is asked either. All is well when that is over."""
    asked = asyncio.create_task(work)
    asked.add_done_callback(let_go)
    took_nothing, answered, looks = False, connection.answers.count, 0
    while looks < LOOKS:
        done, _ = await asyncio.wait({asked}, timeout=LOOK_SECONDS)
        if done:
            with StrayCancellations():
                return asked.result()
        looks = looks + 1 if connection.answers.count == answered else 0
        answered = connection.answers.count
        took_nothing = took_nothing or not await connection.takes_messages()
    if not took_nothing and not await _flows(connection):
        connection.cut("the broker does not answer")
    raise TimeoutError("the broker does not answer")


async def _flows(connection: PublishingConnection) -> bool:
    try:
        async with AwakeTimeout(LOOK_SECONDS):
            await connection.flows()
    except LOST:
        return False
    return True
