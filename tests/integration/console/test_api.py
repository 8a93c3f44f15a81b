"""The HTTP API over a running scheduler and publisher: accounts, figures, events, and who may use it."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from services.console.cli.application import app
from shared.events.maintenance import AlertRaised
from shared.events.scheduler import ScheduleAccepted
from shared.secrets.sealing import seal
from tests.integration.console.world import World, a_name, a_post, a_world, connect
from tests.nodes import Broker
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("console"), broker_node) as running:
        yield running


async def test_an_account_is_connected_shown_and_disconnected(world: World) -> None:
    connected = await connect(world.api, world.system, "passing")
    shown = await world.api.call("GET", "/v1/accounts/passing")
    listed = (await world.api.call("GET", "/v1/accounts"))["accounts"]
    gone = await world.api.call("DELETE", "/v1/accounts/passing")

    assert (connected["connected"], shown["settings"]["url"]) == (True, f"{world.system.sink.url}/passing")
    assert "passing" in {account["account_id"] for account in listed}
    assert gone["connected"] is False
    assert (await world.api.refused("GET", "/v1/accounts/nobody"))[0] == 404
    assert (await world.api.refused("DELETE", "/v1/accounts/nobody"))[0] == 404


async def test_secrets_are_sealed_on_arrival_and_appear_nowhere(world: World) -> None:
    secret = f"whsec_{uuid4().hex}"
    url = f"{world.system.sink.url}/hook"
    body = {"platform": "webhook", "settings": {"url": url}, "credentials": {"secret": secret}}

    await world.api.call("PUT", "/v1/accounts/hook", body)
    for wrong in ({"credentials": secret}, {"credentials": {"secret": secret}, "platform": 7}):
        response = await world.api.http.put("/v1/accounts/hook", json={"platform": "webhook"} | wrong)
        assert (response.status_code, secret in response.text) == (400, False)

    asked = await world.system.bus.fact("account.connect_requested", account_id="hook")
    assert world.system.sealing_key.open(asked.body["sealed_credentials"]) == {"secret": secret}
    files = [file for file in world.system.folder.rglob("*") if file.is_file()]
    assert [file for file in files if secret.encode() in file.read_bytes()] == []


async def test_keys_seal_for_the_services(world: World) -> None:
    keys = await world.api.call("GET", "/v1/keys")
    sealed = seal({"secret": "whsec_dGVzdA=="}, keys["publisher"])

    assert world.system.sealing_key.open(sealed) == {"secret": "whsec_dGVzdA=="}
    assert set(keys) == {"publisher", "monitor"}


async def test_a_refused_connection_says_why(world: World) -> None:
    status, error = await world.api.refused("PUT", "/v1/accounts/odd", {"platform": "carrier-pigeon"})

    assert status == 400
    assert "carrier-pigeon" in error["detail"]


async def test_events_are_streamed_as_they_happen(world: World) -> None:
    name = a_name()
    types: list[str] = []
    async with world.api.http.stream("GET", "/v1/events", params={"post_id": name, "type": ["schedule.*"]}) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == ": listening"
        await world.api.call("POST", "/v1/posts", a_post(name))
        await world.api.call("POST", "/v1/posts", a_post(a_name()))
        await world.api.call("DELETE", f"/v1/posts/{name}")
        async for line in lines:
            if line.startswith('data: {"type"'):
                event = json.loads(line.removeprefix("data: "))
                assert event["data"]["post_id"] == name
                assert event["message_id"] and event["correlation_id"]
                types.append(event["type"])
            if types[-1:] == ["schedule.cancelled"]:
                break

    assert types == ["schedule.requested", "schedule.accepted", "schedule.cancel_requested", "schedule.cancelled"]


async def test_a_client_that_was_away_hears_what_it_missed(world: World) -> None:
    name = a_name()
    about = {"post_id": name, "type": "schedule.*"}
    await world.api.call("POST", "/v1/posts", a_post(name))
    first = await told_first(world, about | {"after": "0"}, {})
    assert first["event"] == "schedule.requested"

    for parameters, headers in ((about, {"Last-Event-ID": first["id"]}), (about | {"after": first["id"]}, {})):
        then = await told_first(world, parameters, headers)
        assert (then["event"], int(then["id"]) > int(first["id"])) == ("schedule.accepted", True)


@pytest.mark.parametrize("unknown", ["9223372036854775806", "99999999999999999999", "what?"])
async def test_a_client_that_missed_what_is_not_kept_is_told_to_begin_anew(world: World, unknown: str) -> None:
    told = await told_first(world, {}, {"Last-Event-ID": unknown})

    assert (told["event"], told["data"]) == ("reset", "{}")
    assert int(told["id"]) < 1_000_000


async def told_first(world: World, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """The fields of the first event of a new stream."""
    fields: dict[str, str] = {}
    async with world.api.http.stream("GET", "/v1/events", params=parameters, headers=headers) as stream:
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
            elif fields.get("event") not in (None, "alive"):
                return fields
    raise AssertionError(f"the stream ended: {fields}")


async def test_a_page_is_told_how_much_of_which_kind_has_happened_and_not_of_what_was_asked_for(world: World) -> None:
    link = await world.api.call("POST", "/sign-in-links")
    told: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=world.api.http.base_url) as browser:
        await browser.get(link["path"])
        async with browser.stream("GET", "/live") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": listening"
            await world.api.call("POST", "/v1/posts", a_post(a_name()))
            await world.system.bus.emit(AlertRaised(severity="info", code="over", message="now", subject="test"))
            async for line in lines:
                told.update(json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {})
                if "alert" in told:
                    break

    assert (told["schedule"], told["alert"]) == (1, 1)


async def test_timers_are_listed_and_one_is_fired_by_hand(world: World) -> None:
    await eventually(lambda: _timers(world), what="the scheduler has told of its timers")
    token = world.api.http.headers["authorization"].removeprefix("Bearer ")
    env = {**world.system.env, "TIMEBALL_URL": str(world.api.http.base_url), "TIMEBALL_API_TOKEN": token}

    fired = await asyncio.to_thread(timeball, env, "trigger", "analytics.aggregate")
    listed = {timer["name"]: timer for timer in await asyncio.to_thread(timeball, env, "list")}

    told = await world.system.bus.fact("timer.fired", timer="analytics.aggregate")
    timer = listed["analytics.aggregate"]
    assert (fired["tick_at"], fired["pending"]) == (told.body["tick_at"], False)
    assert fired["correlation_id"] == told.correlation_id
    assert (timer["cron"], timer["zone"], timer["last_was_manual"]) == ("0 0 * * *", "UTC", True)
    assert (timer["last_tick_at"], timer["next_at"]) == (told.body["tick_at"], told.body["next_at"])
    status, error = await world.api.refused("POST", "/v1/timers/tea.time:trigger")
    assert (status, "there are analytics.aggregate, " in error["detail"]) == (404, True)


async def _timers(world: World) -> bool:
    return len((await world.api.call("GET", "/v1/timers"))["timers"]) == 5


def timeball(env: Mapping[str, str], *arguments: str) -> Any:
    """What `timeball timers … --json` answers."""
    result = CliRunner().invoke(app, ["timers", *arguments, "--json"], env=env)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_figures_are_shown(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "published")

    stats = await world.api.call("GET", "/v1/stats")

    assert stats["states"]["published"] == stats["lateness_ms"]["count"] > 0
    assert stats["accounts_connected"] > 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dDp0"}])
async def test_nothing_is_told_without_the_token(world: World, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=world.api.http.base_url, headers=headers) as stranger:
        for path in ("/v1/posts", "/v1/stats", "/v1/events", "/v1/keys", "/v1/accounts"):
            response = await stranger.get(path)
            assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
            assert response.headers["www-authenticate"] == "Bearer"
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
            assert (await stranger.get(path)).status_code == 200


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_body_that_is_too_long_is_refused(world: World, is_announced: bool) -> None:
    async def in_parts() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b" " * 1024 * 1024

    content = b" " * 9 * 1024 * 1024 if is_announced else in_parts()
    response = await world.api.http.post("/v1/posts", content=content)

    assert (response.status_code, response.json()["code"]) == (413, "too_long")


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/imports?name=posts.csv"])
async def test_a_compressed_body_is_refused_as_such(world: World, path: str) -> None:
    response = await world.api.http.post(path, content=gzip.compress(b"{}"), headers={"Content-Encoding": "GZIP"})

    assert (response.status_code, response.json()["code"]) == (415, "encoded")
    assert "send it uncompressed" in response.json()["detail"]


async def test_the_document_describes_every_body(world: World) -> None:
    document = await world.api.call("GET", "/openapi.json")
    references = {line.split('"')[3] for line in json.dumps(document, indent=0).splitlines() if '"$ref"' in line}

    named = {reference.removeprefix("#/components/schemas/") for reference in references}
    assert named <= set(document["components"]["schemas"])
    assert {"ScheduleRequested", "Change", "Connection"} <= named


async def test_events_of_no_known_type_rest_with_their_reason(world: World) -> None:
    await world.system.bus.emit_raw(b"{}", "weather.changed", type="weather.changed")
    await world.system.bus.emit_raw(b'{"post_id": 7}', ScheduleAccepted.type, type=ScheduleAccepted.type)

    await eventually(lambda: _rest(world), what="both rest in console.dead")

    reasons = [str(message.headers["reason"]) for message in await world.system.bus.resting_in("console.dead")]
    assert any("weather.changed" in reason for reason in reasons)
    assert any("post_id" in reason for reason in reasons)


async def _rest(world: World) -> bool:
    return await world.system.bus.depth("console.dead") >= 2
