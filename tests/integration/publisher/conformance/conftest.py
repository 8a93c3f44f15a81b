"""A bench for each network, on a database of its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.publisher.app import MIGRATIONS
from shared.database.migrations import migrate
from tests.integration.publisher.conformance.bench import Bench, a_bench
from tests.integration.publisher.conformance.case import Case
from tests.integration.publisher.conformance.cases import CASES

UNHURRIED = 10.0
"""Seconds a send may take where no test is about that."""


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database of the publisher, to be copied."""
    path = tmp_path_factory.mktemp("publisher") / "empty.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}", MIGRATIONS))
    return path


@pytest.fixture
def database_url(migrated: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test's own."""
    path = tmp_path / "publisher.db"
    shutil.copy(migrated, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture(params=CASES, ids=repr)
async def bench(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Bench]:
    """A bench for each network, one after the other."""
    case: Case[Any] = request.param
    async with a_bench(case, database_url, send_timeout=UNHURRIED) as bench:
        yield bench
