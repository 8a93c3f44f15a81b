"""An act on many posts, or an import, that nobody starts in time is over: what was seen may be true no more."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.console.requests.runs import PREPARED_FOR
from tests.fakes.clock import FakeClock
from tests.integration.console.consoles import ADMIN_TOKEN, Replica
from tests.integration.console.test_queue_pages import page

CHOSEN = {"act": "cancel", "posts": [{"post_id": "p", "account_id": "a"}]}


FILE = b"post_id,content,accounts,publish_at\np-1,Hello,plain,2099-03-28T09:00:00Z\n"


@pytest.fixture
async def http(replica: Replica) -> Any:
    """A client that may do everything."""
    async with replica.client(ADMIN_TOKEN) as client:
        yield client


async def test_what_was_prepared_can_be_started_for_an_hour_and_is_then_shown_as_expired(
    http: httpx.AsyncClient, clock: FakeClock
) -> None:
    in_time, too_late = [(await http.post("/v1/bulk", json=CHOSEN)).json()["id"] for _ in range(2)]

    clock.advance(PREPARED_FOR)
    started = await http.post(f"/v1/bulk/{in_time}:start")
    clock.advance(timedelta(seconds=1))
    refused = await http.post(f"/v1/bulk/{too_late}:start")

    assert (started.status_code, started.json()["state"]) == (202, "running")
    assert (refused.status_code, refused.json()["code"]) == (409, "expired")
    runs = {run["id"]: run["state"] for run in (await http.get("/v1/bulk")).json()["runs"]}
    assert runs == {in_time: "running", too_late: "expired"}


async def test_the_page_of_an_expired_act_offers_no_start(
    replica: Replica, http: httpx.AsyncClient, clock: FakeClock
) -> None:
    run_id = (await http.post("/v1/bulk", json=CHOSEN)).json()["id"]

    before = await page(replica, f"/bulk/{run_id}")
    clock.advance(2 * PREPARED_FOR)
    after, of_all = await page(replica, f"/bulk/{run_id}"), await page(replica, "/bulk")

    assert (":start" in before, ":start" in after) == (True, False)
    assert "Nothing was done: it was not started within an hour" in after
    assert "never started" in of_all


async def test_a_file_that_was_read_can_be_sent_for_an_hour_and_its_import_is_then_shown_as_expired(
    http: httpx.AsyncClient, clock: FakeClock
) -> None:
    in_time, too_late = [(await http.post("/v1/imports", content=FILE)).json()["id"] for _ in range(2)]

    clock.advance(PREPARED_FOR)
    started = await http.post(f"/v1/imports/{in_time}:start", json={})
    clock.advance(timedelta(seconds=1))
    refused = await http.post(f"/v1/imports/{too_late}:start", json={})

    assert (started.status_code, started.json()["state"]) == (202, "running")
    assert (refused.status_code, refused.json()["code"]) == (409, "expired")
    imports = {run["id"]: run["state"] for run in (await http.get("/v1/imports")).json()["imports"]}
    assert imports == {in_time: "running", too_late: "expired"}


async def test_the_page_of_an_expired_import_offers_no_start(
    replica: Replica, http: httpx.AsyncClient, clock: FakeClock
) -> None:
    run_id = (await http.post("/v1/imports", content=FILE)).json()["id"]

    before = await page(replica, f"/import/{run_id}")
    clock.advance(2 * PREPARED_FOR)
    after, of_all = await page(replica, f"/import/{run_id}"), await page(replica, "/import")

    assert (":start" in before, ":start" in after) == (True, False)
    assert "Nothing was sent: it was not started within an hour" in after
    assert "never started" in of_all
