"""Imports over HTTP: nothing is sent before it was seen, and what is started comes to its end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.console.conftest import Api, api_of
from tests.integration.console.world import World, a_name, a_world
from tests.nodes import Broker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

HEADER = "post_id,content,accounts,publish_at\n"
FAR = "2099-03-28T09:00:00Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("console"), broker_node) as running:
        yield running


async def prepared(api: Api, content: bytes, **parameters: str) -> dict[str, Any]:
    response = await api.http.post("/v1/imports", content=content, params=parameters)
    assert response.status_code == 201, response.text
    run: dict[str, Any] = response.json()
    return run


async def ended(api: Api, run_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    async def is_over() -> bool:
        found[:] = [await api.call("GET", f"/v1/imports/{run_id}")]
        return found[0]["state"] in ("done", "stopped")

    await eventually(is_over, what="the import has ended")
    return found[0]


async def test_a_file_is_reported_on_and_sent_when_it_is_started(world: World) -> None:
    good, bad = a_name(), a_name()
    run = await prepared(world.api, f"{HEADER}{good},Hello,plain,{FAR}\n{bad},Hello,plain,tomorrow\n".encode())
    page = await world.api.call("GET", f"/v1/imports/{run['id']}/lines")
    refused = await world.api.refused("POST", f"/v1/imports/{run['id']}:start")

    await world.api.call("POST", f"/v1/imports/{run['id']}:start", {"skip_faults": True})
    done = await ended(world.api, run["id"])

    assert (run["state"], run["total"], run["plan"]["faults"]) == ("prepared", 1, 1)
    assert [(one["line"], one["kind"]) for one in page["lines"]] == [(3, "fault")]
    assert (refused[0], refused[1]["code"]) == (409, "has_faults")
    assert (done["sent"], done["scheduled"], done["unchanged"]) == (1, 1, 0)
    assert (await world.api.call("GET", f"/v1/posts/{good}"))["accounts"][0]["state"] == "scheduled"


async def test_accounts_that_nobody_has_connected_are_named_with_their_lines(world: World) -> None:
    posts = "".join(f"{a_name()},Hello,{account},{FAR}\n" for account in ("plain", "tema", "plain tema"))

    run = await prepared(world.api, (HEADER + posts).encode())

    tema = {"account_id": "tema", "obstacle": "unknown", "posts": 2, "lines": [3, 4]}
    assert run["plan"]["accounts_to_connect"] == [tema]


@pytest.mark.parametrize(
    ("line", "encoding", "seen", "code"),
    [
        (f"Grüße aus der Straße nach Köln,plain,{FAR}", "windows-1252", "encoding_is_right", "encoding_guessed"),
        ("Hello,plain,", "utf-8", "publish_now", "due_at_once"),
    ],
)
async def test_what_is_doubtful_must_be_agreed_to(world: World, line: str, encoding: str, seen: str, code: str) -> None:
    run = await prepared(world.api, f"{HEADER}{a_name()},{line}\n".encode(encoding))

    refused = await world.api.refused("POST", f"/v1/imports/{run['id']}:start", {})
    started = await world.api.call("POST", f"/v1/imports/{run['id']}:start", {seen: True})

    assert (refused[0], refused[1]["code"]) == (409, code)
    assert started["state"] == "running"
    await ended(world.api, run["id"])


async def test_a_post_that_was_changed_since_is_left_alone_and_its_line_named(world: World) -> None:
    name = a_name()
    file = f"{HEADER}{name},One.,plain,{FAR}\n".encode()
    for _ in range(2):
        run = await prepared(world.api, file)
        await world.api.call("POST", f"/v1/imports/{run['id']}:start", {})
        done = await ended(world.api, run["id"])
        await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Better."})

    page = await world.api.call("GET", f"/v1/imports/{run['id']}/lines")

    assert (done["scheduled"], done["unchanged"]) == (0, 0)
    assert [(one["line"], one["kind"], one["post_id"]) for one in page["lines"]] == [(2, "left_alone", name)]


async def test_an_import_that_is_stopped_sends_nothing_more(world: World) -> None:
    run = await prepared(world.api, f"{HEADER}{a_name()},Hello,plain,{FAR}\n".encode())

    stopped = await world.api.call("DELETE", f"/v1/imports/{run['id']}")
    await world.api.call("POST", f"/v1/imports/{run['id']}:start", {})

    assert stopped["state"] == "stopped"
    assert (await world.api.call("GET", f"/v1/imports/{run['id']}"))["state"] == "stopped"


async def test_an_import_goes_on_after_a_restart_of_the_console(world: World) -> None:
    prefix = a_name()
    rows = "".join(f"{prefix}-{number},Hello {number},plain,{FAR}\n" for number in range(4_000))
    run = await prepared(world.api, (HEADER + rows).encode())
    await world.api.call("POST", f"/v1/imports/{run['id']}:start", {})

    await world.console.kill()
    console = await world.system.start("console", env={"TIMEBALL_CONSOLE_HTTP_PORT": str(world.console.port)})
    async with api_of(console, world.system) as api:
        done = await ended(api, run["id"])

    assert (done["state"], done["sent"], done["scheduled"] + done["unchanged"]) == ("done", 4_000, 4_000)
