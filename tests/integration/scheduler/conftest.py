"""Replicas of the scheduler on real databases."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.support.scheduling import Replica


@pytest.fixture
async def replica(database_url: str) -> AsyncIterator[Replica]:
    """One replica, once on SQLite and once on PostgreSQL."""
    async with Replica.on(database_url) as replica:
        yield replica


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two replicas with one clock on one database."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(Replica.on(database_url))
        yield one, await stack.enter_async_context(Replica.on(database_url, one.clock))
