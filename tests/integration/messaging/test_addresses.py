"""Under the broker's name there may be several addresses, and one of them may let everybody in and say nothing."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
from yarl import URL

from shared.clocks.clock import SystemClock
from shared.messaging import connection, transport
from shared.messaging.broker import Publisher
from shared.messaging.topology import Topology
from shared.process import service
from tests.support.waiting import PATIENCE

SILENT = "127.0.0.2"


@pytest.fixture
async def silences(amqp_vhost_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """The connections at a node that hangs, which comes first under the broker's name."""
    broker, silences = URL(amqp_vhost_url), list[asyncio.StreamWriter]()

    async def addresses_of(url: URL) -> list[str]:
        return [SILENT, str(broker.host)]

    monkeypatch.setattr(transport, "addresses_of", addresses_of)
    monkeypatch.setattr(transport, "TURNS", count())
    monkeypatch.setattr(connection, "OPEN_SECONDS", 1.0)
    monkeypatch.setattr(service, "OPEN_SECONDS", 1.0)
    server = await asyncio.start_server(lambda _, writer: silences.append(writer), SILENT, broker.port)
    yield silences
    server.close()
    for writer in silences:
        writer.close()


async def test_a_publisher_turns_to_the_next(amqp_vhost_url: str, silences: list[asyncio.StreamWriter]) -> None:
    publisher = Publisher(amqp_vhost_url, app_id="station", clock=SystemClock())

    await asyncio.wait_for(publisher.connect(Topology("station")), PATIENCE)

    assert len(silences) == 1
    await publisher.close()


async def test_consumers_turn_to_the_next(amqp_vhost_url: str, silences: list[asyncio.StreamWriter]) -> None:
    broker = service.rabbit_broker(amqp_vhost_url, "station")

    await asyncio.wait_for(broker.start(), PATIENCE)

    assert len(silences) == 1
    await broker.stop()
