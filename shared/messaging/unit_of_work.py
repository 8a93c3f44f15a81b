"""A unit of work: one transaction with the events it emits, which are relayed after its commit."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database.engine import Database
from shared.events import Event
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import Outbox


class HasOutbox(Protocol):
    """A service's store."""

    @property
    def outbox(self) -> Outbox: ...


StoreT = TypeVar("StoreT", bound=HasOutbox)
UnitT = TypeVar("UnitT", bound="UnitOfWork[Any]")


@dataclass
class UnitOfWork(Generic[StoreT]):
    """One transaction of a store; each service adds its queries."""

    store: StoreT
    connection: AsyncConnection
    emitted: list[Envelope] = field(default_factory=list)

    async def emit(self, envelopes: Sequence[Envelope]) -> None:
        """Write events to the outbox, in this transaction."""
        await self.store.outbox.add(self.connection, envelopes)
        self.emitted.extend(envelopes)

    async def tell(self, *events: Event, correlation_id: str | None = None) -> None:
        """The same of events that follow from one request, or from none."""
        await self.emit([Envelope.of(event, correlation_id=correlation_id) for event in events])


@asynccontextmanager
async def unit_of_work(
    begin: Callable[[AsyncConnection], UnitT], database: Database, outbox: Outbox
) -> AsyncIterator[UnitT]:
    """Commit at the end of the block, and only then relay what was emitted in it."""
    async with database.transaction() as connection:
        unit = begin(connection)
        yield unit
    outbox.relay_soon(unit.emitted)
