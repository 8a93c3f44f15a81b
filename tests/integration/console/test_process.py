"""The console as a process: alone, side by side with another, and while the broker is away."""

import asyncio
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.console.tables.rebuilding import own_queues
from shared.contract.entries import KEEPERS
from shared.database.engine import Database
from shared.events.requests import ScheduleRequested
from shared.events.scheduler import ScheduleAccepted
from shared.process.home import Home
from tests.integration.console.conftest import Api, api_of
from tests.nodes import Broker
from tests.support.system import System, in_seconds, running_system, started, system
from tests.support.waiting import PATIENCE, eventually

POST = {"content": "The ball drops.", "targets": [{"account_id": "plain"}], "publish_at": in_seconds(3600).isoformat()}


def accepted(post_id: str) -> ScheduleAccepted:
    return ScheduleAccepted(post_id=post_id, account_id="plain", revision=1, publish_at=in_seconds(3600), changed=True)


async def test_without_a_scheduler_a_post_is_refused_rather_than_lost(broker_node: Broker, tmp_path: Path) -> None:
    async with system(tmp_path, broker_node) as running, api_of(await running.start("console"), running) as api:
        status, error = await api.refused("POST", "/v1/posts", {"post_id": "p-1"} | POST)
        assert (status, error["code"]) == (503, "nobody_takes_it")
        assert "no scheduler has run" in error["detail"]

        await (await running.start("scheduler")).stop()
        waiting = await api.call("POST", "/v1/posts", {"post_id": "p-2"} | POST)
        assert (waiting["pending"], waiting["accepted"]) == (True, [])

        await running.start("scheduler")
        await api.becomes("p-2", "scheduled")


async def test_a_post_is_refused_while_the_queue_of_a_scheduler_is_deleted(broker_node: Broker, tmp_path: Path) -> None:
    async with system(tmp_path, broker_node) as running, api_of(await running.start("console"), running) as api:
        await (await running.start("scheduler")).stop()
        await api.call("POST", "/v1/posts", {"post_id": "p-1"} | POST)
        await running.bus.channel.queue_delete("scheduler.requests")

        status, error = await api.refused("POST", "/v1/posts", {"post_id": "p-2"} | POST)
        await running.start("scheduler")
        again = await api.call("POST", "/v1/posts", {"post_id": "p-2"} | POST)

        assert (status, error["code"]) == (503, "nobody_takes_it")
        assert "nothing was sent" in error["detail"]
        assert len(again["accepted"]) == 1


async def test_what_passed_by_while_the_consoles_queue_was_deleted_is_told_again(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running:
        console, *_ = await started(running, "console", *KEEPERS)
        async with api_of(console, running) as api:
            await eventually(lambda: has_been_here(running), what="the console knows its queue")
            await api.call("POST", "/v1/posts", {"post_id": "p-1"} | POST)
        await console.stop()
        await running.bus.channel.queue_delete("console.projector")
        await running.bus.emit(ScheduleRequested.model_validate({"post_id": "p-2"} | POST, strict=False))
        await running.bus.fact("schedule.accepted", post_id="p-2")

        async with api_of(await running.start("console"), running) as api:
            await api.becomes("p-2", "scheduled")


async def has_been_here(running: System) -> bool:
    database = Database(Home(running.env["TIMEBALL_HOME"]).database_url("console"))
    known = await database.rows(select(own_queues))
    await database.close()
    return bool(known)


async def test_two_consoles_share_the_work_and_each_hears_its_own_answers(
    broker_node: Broker, tmp_path: Path, database_url: str
) -> None:
    services = ("scheduler", "console", "console")
    async with running_system(tmp_path, broker_node, *services, console=database_url) as running:
        _, one, other = running.processes
        async with api_of(one, running) as api, api_of(other, running) as another:
            posts = [{"post_id": f"p-{number}"} | POST for number in range(40)]
            pairs = zip(posts, [api, another] * 20, strict=True)
            await asyncio.gather(*(is_answered(either, post) for post, either in pairs))
            for number in range(100):
                await running.bus.emit(accepted(f"fact-{number}"), times=2)

            await eventually(lambda: _shows(another, 140), what="both know all")


async def is_answered(api: Api, post: dict[str, Any]) -> None:
    """Return when the console has heard the answer in time to give it; asked again, it is the same post."""

    async def is_so() -> bool:
        response = await api.http.post("/v1/posts", json=post)
        assert response.is_success or response.status_code == HTTPStatus.SERVICE_UNAVAILABLE, response.text
        return response.is_success and len(response.json()["accepted"]) == 1 and not response.json()["pending"]

    await eventually(is_so, every=1, what=f"{post['post_id']} is accepted")


async def _shows(api: Api, posts: int) -> bool:
    states = (await api.call("GET", "/v1/stats"))["states"]
    return bool(sum(states.values()) == posts)


async def test_facts_told_while_the_console_was_down_are_learned_at_the_next_start(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running:
        console = await running.start("console")
        await console.kill()
        await running.bus.emit(accepted("p-1"))

        async with api_of(await running.start("console"), running) as api:
            await api.becomes("p-1", "scheduled")


async def test_stopping_lets_streams_end_and_leaves_with_0(broker_node: Broker, tmp_path: Path) -> None:
    async with system(tmp_path, broker_node) as running:
        console = await running.start("console")
        async with api_of(console, running) as api, api.http.stream("GET", "/v1/events?type=publish.*") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": listening"

            assert await console.stop() == 0

            assert [line async for line in lines if line][1:] == ["event: alive", "data: {}"]


async def test_a_broker_that_restarts_is_found_again(broker_node: Broker, tmp_path: Path) -> None:
    async with system(tmp_path, broker_node) as running:
        await running.start("scheduler")
        console = await running.start("console")
        async with api_of(console, running) as api:
            events = asyncio.create_task(_first_event(api, "p-2"))
            await api.call("POST", "/v1/posts", {"post_id": "p-1"} | POST)
            await asyncio.to_thread(broker_node.stop)
            await eventually(lambda: _is_down(console), what="the console says it is not ready")

            status, error = await api.refused("POST", "/v1/posts", {"post_id": "p-2"} | POST)
            assert (status, error["code"]) == (503, "broker_unavailable")

            await asyncio.to_thread(broker_node.start)
            await console.ready()
            await eventually(lambda: _is_accepted(api), what="a post is accepted")
            assert await asyncio.wait_for(events, PATIENCE) == "schedule.requested"


async def _is_down(console: Any) -> bool:
    return not await console.is_ready()


async def _is_accepted(api: Api) -> bool:
    response = await api.http.post("/v1/posts", json={"post_id": "p-2"} | POST)
    return response.is_success and len(response.json()["accepted"]) == 1


async def _first_event(api: Api, post_id: str) -> str:
    async with api.http.stream("GET", "/v1/events", params={"post_id": post_id}) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: {") and "type" in (event := json.loads(line.removeprefix("data: "))):
                return str(event["type"])
    raise AssertionError("the stream ended")
