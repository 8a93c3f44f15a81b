"""A monitor on real databases and a fake Reddit."""

from collections.abc import AsyncIterator

import pytest

from tests.support.monitoring import Monitor


@pytest.fixture
async def monitor(database_url: str) -> AsyncIterator[Monitor]:
    """A monitor, once on SQLite and once on PostgreSQL."""
    async with Monitor.at(database_url) as monitor:
        yield monitor


@pytest.fixture
async def light_monitor(sqlite_url: str) -> AsyncIterator[Monitor]:
    """A monitor on SQLite alone, for what does not depend on the database."""
    async with Monitor.at(sqlite_url) as monitor:
        yield monitor
