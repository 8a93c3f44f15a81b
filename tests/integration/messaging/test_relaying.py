"""The outbox between a real database and a real broker: a broker that is away costs time, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import MetaData, func, select

from shared.database.engine import Database
from shared.events.requests import ScheduleCancelRequested
from shared.messaging.broker import Publisher
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import RETRY, Outbox
from shared.messaging.outbox_rows import outbox_table
from shared.messaging.topology import Topology
from tests.fakes.clock import FakeClock
from tests.support.bus import Bus
from tests.support.waiting import eventually
from tests.support.wire import Wire

metadata = MetaData()
table = outbox_table(metadata)
TYPE = ScheduleCancelRequested.type


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def test_what_was_committed_while_the_broker_was_away_is_relayed_when_it_is_back(
    database: Database, amqp_vhost_url: str
) -> None:
    clock = FakeClock(datetime.now(UTC))
    written = [Envelope.of(ScheduleCancelRequested(post_id=f"post-{number}")) for number in range(20)]
    async with Bus.connected(amqp_vhost_url) as bus, Wire.to(amqp_vhost_url) as wire:
        publisher = Publisher(wire.url, app_id="station", clock=clock)
        await publisher.connect(Topology("station"))
        outbox = Outbox(table, database, publisher, clock)
        relay = asyncio.create_task(outbox.run())
        await wire.cut()

        async with database.transaction() as connection:
            await outbox.add(connection, written)
        outbox.relay_soon(written)
        await eventually(lambda: not publisher.is_connected)
        assert bus.heard(TYPE) == []

        wire.mend()
        await eventually(lambda: publisher.is_connected)
        clock.advance(RETRY)
        await bus.fact(TYPE, count=len(written))
        await eventually(lambda: is_empty(database))

        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay
        await publisher.close()

    assert sorted(str(fact.message_id) for fact in bus.facts) == sorted(one.message_id for one in written)


async def is_empty(database: Database) -> bool:
    """Whether nothing is left to relay."""
    async with database.reading() as connection:
        return not (await connection.execute(select(func.count()).select_from(table))).scalar_one()
