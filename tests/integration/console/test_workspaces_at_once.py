"""Two who have seen the same workspace change it at once: one of them is told that it has changed."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest

from services.console.app import MIGRATIONS
from services.console.handlers import Projector
from services.console.requests.sender import Answers
from services.console.store import Store
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.events import Event
from shared.events.monitor import WorkspaceAccepted
from shared.events.requests import WorkspaceConfigured
from shared.messaging.broker import BrokerUnavailable
from shared.messaging.envelope import Delivery
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica, a_replica
from tests.support.migrated import migrated

WATCH = {"subreddits": ["sailing"], "keywords": [{"phrase": "time ball"}]}
PATH = "/v1/workspaces/w"


class Monitor:
    """Accepts whatever is asked for, after a while; the console has learnt the request by then."""

    def __init__(self, projector: Projector) -> None:
        self._projector = projector
        self.asked: list[WorkspaceConfigured] = []
        self.trouble: Exception | None = None

    async def send_and_wait(self, request: Event, *_: object) -> Answers:
        assert isinstance(request, WorkspaceConfigured)
        if self.trouble:
            raise self.trouble
        self.asked.append(request)
        await asyncio.sleep(0.05)
        await self._projector.on_workspace_configured(Delivery(request, "m", "c", body=request.body()))
        return Answers("c", NOW, [WorkspaceAccepted(workspace_id="w")], is_complete=True)


@pytest.fixture
async def consoles(database_url: str) -> AsyncIterator[tuple[Replica, Replica]]:
    await migrated(database_url, MIGRATIONS)
    async with a_replica(database_url, SystemClock()) as one, a_replica(database_url, SystemClock()) as other:
        yield one, other


@pytest.fixture
async def monitor(database_url: str, consoles: tuple[Replica, Replica]) -> AsyncIterator[Monitor]:
    database = Database(database_url)
    monitor = Monitor(Projector(Store(database, SystemClock()), SystemClock()))
    for replica in consoles:
        vars(replica.console)["requests"] = monitor
    yield monitor
    await database.close()


async def put(replica: Replica, phrase: str, seen: dict[str, str] | None = None) -> httpx.Response:
    async with replica.client(ADMIN_TOKEN) as http:
        return await http.put(PATH, json=WATCH | {"keywords": [{"phrase": phrase}]}, headers=seen)


async def test_of_two_who_have_seen_the_same_one_changes_it(
    consoles: tuple[Replica, Replica], monitor: Monitor
) -> None:
    etag = (await put(consoles[0], "first")).json()["etag"]

    answers = await asyncio.gather(*(put(one, f"by {at}", {"If-Match": etag}) for at, one in enumerate(consoles * 2)))

    assert sorted(answer.status_code for answer in answers) == [202, 412, 412, 412]
    assert len(monitor.asked) == 2


async def test_of_two_who_make_one_of_the_same_name_one_does(
    consoles: tuple[Replica, Replica], monitor: Monitor
) -> None:
    answers = await asyncio.gather(*(put(one, f"by {at}", {"If-None-Match": "*"}) for at, one in enumerate(consoles)))

    assert sorted(answer.status_code for answer in answers) == [202, 412]
    assert len(monitor.asked) == 1


async def test_a_change_that_could_not_be_sent_is_made_with_the_same_etag(
    consoles: tuple[Replica, Replica], monitor: Monitor
) -> None:
    etag = (await put(consoles[0], "first")).json()["etag"]
    monitor.trouble = BrokerUnavailable("away")
    refused = await put(consoles[0], "second", {"If-Match": etag})
    monitor.trouble = None

    answer = await put(consoles[1], "second", {"If-Match": etag})

    assert (refused.status_code, answer.status_code) == (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.ACCEPTED)
