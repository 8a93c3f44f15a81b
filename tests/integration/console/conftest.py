"""The console over HTTP, as a process; and its store over a migrated database, without a broker."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.console.app import MIGRATIONS
from services.console.handlers import Projector
from services.console.read_model.queries import Queries
from services.console.requests.import_runs import ImportRuns
from services.console.store import Store
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.process.home import Home
from tests.fakes.clock import FakeClock
from tests.integration.console.consoles import NOW, Replica, a_replica
from tests.support.databases import Databases
from tests.support.migrated import migrated
from tests.support.processes import Process
from tests.support.system import System
from tests.support.tables import Tables
from tests.support.waiting import eventually


@dataclass(frozen=True)
class ReadModel:
    """One replica's way into the read model."""

    projector: Projector
    queries: Queries


@asynccontextmanager
async def a_read_model(url: str) -> AsyncIterator[ReadModel]:
    """A read model as one replica has it."""
    database, clock = Database(url), SystemClock()
    try:
        yield ReadModel(Projector(Store(database, clock), clock), Queries(database))
    finally:
        await database.close()


@pytest.fixture(scope="session")
def tables(databases: Databases) -> Tables:
    """The databases of the session's PostgreSQL that have the console's tables."""
    return Tables(databases, MIGRATIONS)


@pytest.fixture
def postgres_url(tables: Tables) -> Iterator[str]:
    """A PostgreSQL database of this test's own in which the console's tables are, all empty."""
    with tables.lent() as url:
        yield url


@pytest.fixture
async def imports(database_url: str) -> AsyncIterator[ImportRuns]:
    """The runs of imports, on a database of their own."""
    await migrated(database_url, MIGRATIONS)
    database = Database(database_url)
    yield ImportRuns(database)
    await database.close()


@pytest.fixture
async def read_model(database_url: str) -> AsyncIterator[ReadModel]:
    """A read model, once on SQLite and once on PostgreSQL."""
    await migrated(database_url, MIGRATIONS)
    async with a_read_model(database_url) as model:
        yield model


@dataclass(frozen=True)
class Api:
    """The HTTP API of a console, with its token."""

    http: httpx.AsyncClient

    async def call(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        """The JSON of an answer that must be a success."""
        response = await self.http.request(method, path, json=body, params=parameters)
        assert response.is_success, response.text
        return response.json()

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """The status and the problem of an answer that must be a refusal."""
        response = await self.http.request(method, path, json=body)
        assert response.is_error, response.text
        assert response.headers["content-type"] == "application/problem+json"
        error: dict[str, Any] = response.json()
        return response.status_code, error

    async def becomes(self, post_id: str, state: str) -> dict[str, Any]:
        """The first account of a post, once it is in this state."""
        found: list[dict[str, Any]] = []

        async def is_so() -> bool:
            response = await self.http.get(f"/v1/posts/{post_id}")
            found[:] = response.json().get("accounts", [])
            return bool(found) and all(post["state"] == state for post in found)

        await eventually(is_so, what=f"{post_id} is {state}")
        return found[0]


@asynccontextmanager
async def api_of(console: Process, system: System) -> AsyncIterator[Api]:
    """The API of a console that runs."""
    token = Home(Path(system.env["TIMEBALL_HOME"])).api_token()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{console.port}", headers=headers, timeout=120) as http:
        yield Api(http)


@pytest.fixture
def clock() -> FakeClock:
    """Time that stands until a test moves it."""
    return FakeClock(NOW)


@pytest.fixture
async def replica(database_url: str, clock: FakeClock) -> AsyncIterator[Replica]:
    """A console without a broker, on SQLite and on PostgreSQL."""
    await migrated(database_url, MIGRATIONS)
    async with a_replica(database_url, clock) as one:
        yield one


@pytest.fixture
async def other(database_url: str, clock: FakeClock, replica: Replica) -> AsyncIterator[Replica]:
    """Another console over the same database."""
    async with a_replica(database_url, clock) as one:
        yield one
