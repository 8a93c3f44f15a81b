"""Dead letters of real services, seen and settled over HTTP and on the command line."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from services.console.cli.application import app
from tests.integration.console.conftest import Api, api_of
from tests.nodes import Broker
from tests.support.system import System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

MALFORMED = b'{"post_id": 7, "sealed_credentials": {"password": "hunter2"}, "content": "The ball drops."'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, broker_node: Broker) -> AsyncIterator[tuple[System, Api]]:
    """Scheduler and console; no publisher."""
    folder = tmp_path_factory.mktemp("letters")
    async with running_system(folder, broker_node, "scheduler", "console") as its_system:
        _, console = its_system.processes
        async with api_of(console, its_system) as api:
            yield its_system, api


async def listed(api: Api, *message_ids: str) -> list[dict[str, Any]]:
    """These letters of the scheduler, once the console lists them."""
    found: list[dict[str, Any]] = []

    async def all_are() -> bool:
        page = await api.call("GET", "/v1/dead-letters", service="scheduler", limit=500)
        found[:] = [one for one in page["dead_letters"] if one["message_id"] in message_ids]
        return len(found) == len(message_ids)

    await eventually(all_are, what=f"{message_ids} are listed")
    return found


async def test_what_an_outsider_sent_is_listed_without_its_secrets_and_rests_on(running: tuple[System, Api]) -> None:
    its_system, api = running

    message_id = await its_system.bus.emit_raw(MALFORMED, "schedule.cancel_requested")
    (letter,) = await listed(api, message_id)
    again = await api.call("GET", "/v1/dead-letters", service="scheduler")

    assert (letter["service"], letter["queue"]) == ("scheduler", "scheduler.requests")
    assert "JSON" in letter["reason"]
    assert "hunter2" not in json.dumps(again)
    assert letter["payload"].startswith('{"post_id": 7, "')
    assert {"service": "scheduler", "resting": len(again["dead_letters"])} in again["services"]


async def test_what_another_service_answers_for_does_not_rest_in_the_console_as_well(
    running: tuple[System, Api],
) -> None:
    its_system, api = running

    message_id = await its_system.bus.emit_raw(b"[]", "schedule.cancel_requested")
    nobodys = await its_system.bus.emit_raw(b"[]", "no.such.event")
    await listed(api, message_id)

    async def is_listed() -> bool:
        page = await api.call("GET", "/v1/dead-letters", service="console")
        return [one["message_id"] for one in page["dead_letters"]] == [nobodys]

    await eventually(is_listed, what="the console has only what nobody else takes")


async def test_letters_are_replayed_and_dropped_over_http(running: tuple[System, Api]) -> None:
    its_system, api = running
    ids = [await its_system.bus.emit_raw(b"[]", "schedule.cancel_requested") for _ in range(2)]
    await listed(api, *ids)

    named = {"service": "scheduler", "message_ids": ids}
    replayed = await api.call("POST", "/v1/dead-letters:replay", named)

    async def died_again() -> bool:
        return [one["replays"] for one in await listed(api, *ids)] == [1, 1]

    await eventually(died_again, what="both have died again")
    dropped = await api.call("POST", "/v1/dead-letters:drop", named | {"message_ids": [*ids, "no such letter"]})
    page = await api.call("GET", "/v1/dead-letters", service="scheduler")

    assert (replayed["count"], set(replayed["message_ids"]), replayed["pending"]) == (2, set(ids), False)
    assert (dropped["count"], dropped["absent"]) == (2, ["no such letter"])
    assert set(ids).isdisjoint(one["message_id"] for one in page["dead_letters"])


async def test_the_commands_do_the_same(running: tuple[System, Api]) -> None:
    its_system, api = running
    message_id = await its_system.bus.emit_raw(b"{}", "schedule.cancel_requested.v7")
    await listed(api, message_id)

    seen = await timeball(running, "list", "scheduler", "--json")
    dropped = await timeball(running, "drop", "scheduler", message_id, "--json")
    unknown = await timeball(running, "replay", "tea", "--all")

    assert message_id in [one["message_id"] for one in json.loads(seen.stdout)["dead_letters"]]
    assert json.loads(dropped.stdout)["message_ids"] == [message_id]
    assert unknown.exit_code == 1
    assert "there is no service 'tea'; there are scheduler, publisher" in unknown.stderr


async def timeball(running: tuple[System, Api], *words: str) -> Result:
    """What `timeball dead-letters …` says."""
    its_system, api = running
    token = api.http.headers["authorization"].removeprefix("Bearer ")
    env = {**its_system.env, "TIMEBALL_URL": str(api.http.base_url), "TIMEBALL_API_TOKEN": token}
    return await asyncio.to_thread(CliRunner().invoke, app, ["dead-letters", *words], env=env)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"service": "tea"}, 404, "there is no service 'tea'; there are scheduler, publisher"),
        ({"service": "monitor"}, 503, "no monitor has run at this broker yet: start one"),
        ({}, 400, "service: this field is required"),
        ({"service": "scheduler", "message_ids": "m-1"}, 400, "message_ids: "),
        ({"service": "scheduler", "as_of": "yesterday"}, 400, "as_of: "),
    ],
)
@pytest.mark.parametrize("verb", ["replay", "drop"])
async def test_what_cannot_be_asked_is_refused_with_the_way_out(
    running: tuple[System, Api], verb: str, body: dict[str, Any], status: int, said: str
) -> None:
    _, api = running

    refused, problem = await api.refused("POST", f"/v1/dead-letters:{verb}", body)

    assert refused == status
    assert said in problem["detail"]


async def test_a_list_of_an_unknown_service_or_from_nowhere_is_refused(running: tuple[System, Api]) -> None:
    _, api = running

    unknown = await api.refused("GET", "/v1/dead-letters?service=tea")
    nowhere = await api.refused("GET", "/v1/dead-letters?cursor=tea")

    assert (unknown[0], nowhere[0]) == (404, 400)


async def test_no_ids_at_all_mean_none_not_all(running: tuple[System, Api]) -> None:
    its_system, api = running
    message_id = await its_system.bus.emit_raw(b"[]", "schedule.cancel_requested")
    await listed(api, message_id)

    dropped = await api.call("POST", "/v1/dead-letters:drop", {"service": "scheduler", "message_ids": []})

    assert dropped["count"] == 0
    assert await listed(api, message_id)
