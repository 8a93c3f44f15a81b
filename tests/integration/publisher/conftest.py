"""The publisher's store over a migrated database, without a broker."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from services.publisher.app import MIGRATIONS
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.messaging.broker import Publisher
from shared.messaging.outbox import Outbox
from tests.support.migrated import migrated


@asynccontextmanager
async def a_store(url: str) -> AsyncIterator[Store]:
    """A store of its own over the database, as every replica has one; what it emits stays in the outbox."""
    clock, database = SystemClock(), Database(url)
    try:
        yield Store(
            database, Outbox(outbox, database, Publisher("amqp://nobody", app_id="publisher", clock=clock), clock)
        )
    finally:
        await database.close()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """The publisher's store, once on SQLite and once on PostgreSQL."""
    await migrated(database_url, MIGRATIONS)
    async with a_store(database_url) as store:
        yield store


@pytest.fixture
async def two_stores(postgres_url: str) -> AsyncIterator[tuple[Store, Store]]:
    """The stores of two replicas on one PostgreSQL."""
    await migrated(postgres_url, MIGRATIONS)
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(a_store(postgres_url)) for _ in range(2)]
        yield one, other
