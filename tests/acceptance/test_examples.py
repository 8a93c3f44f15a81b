"""The programs under docs/examples schedule a post and hear what becomes of it, as they are printed."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from deploy.local.child import tied
from shared.contract.document import contract_of
from tests.nodes import Broker
from tests.support.node import node_packages
from tests.support.system import System, started, system
from tests.support.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """A scheduler and a publisher with an account on the sandbox platform."""
    async with system(tmp_path_factory.mktemp("examples"), broker_node) as running:
        await started(running, "scheduler", "publisher")
        await running.connect("demo-one")
        yield running


async def output_of(command: Sequence[str], env: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return printed.decode()


@asynccontextmanager
async def following(command: Sequence[str], env: dict[str, str], folder: Path) -> AsyncIterator[Path]:
    """The file with what the program prints, from when it listens on."""
    printed = folder / "printed"
    with printed.open("wb") as file:
        process = await asyncio.create_subprocess_exec(*tied(command), env=env, stdout=file, stderr=file)
    try:
        await eventually(lambda: "listening" in printed.read_text(), what=f"{command[-1]} listens")
        yield printed
    finally:
        process.kill()
        await process.wait()


def facts_in(printed: str, post_id: str) -> dict[str, dict[str, Any]]:
    facts = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return {fact["type"]: fact for fact in facts if fact.get("post_id") == post_id}


def program(library: str, name: str) -> list[str]:
    """How the program is run; Node finds packages beside it, so it is put where they are."""
    if library != "node":
        return [sys.executable, str(EXAMPLES / library / f"{name}.py")]
    place = node_packages() / f"{name}.mjs"
    shutil.copy(EXAMPLES / library / place.name, place)
    return ["node", str(place)]


@pytest.mark.parametrize("library", ["aio_pika", "pika", "node"])
async def test_a_post_is_scheduled_and_its_outcome_heard(running: System, library: str, tmp_path: Path) -> None:
    env = {**os.environ, **running.env}
    post_id = f"from {library}"

    async with following(program(library, "follow"), env, tmp_path) as printed:
        said = await output_of([*program(library, "schedule"), post_id, "demo-one", "Hello, ✓"], env)
        await eventually(
            lambda: "publish.succeeded" in facts_in(printed.read_text(), post_id), what=f"{library} hears the outcome"
        )

    facts = facts_in(printed.read_text(), post_id)
    assert facts["schedule.accepted"]["account_id"] == "demo-one"
    assert said.strip().endswith(facts["publish.succeeded"]["correlation_id"])
    sent = [
        json.loads(request.body)["data"]["content"] for request in running.sink.ledger if request.post_id == post_id
    ]
    assert sent == ["Hello, ✓"]


@pytest.mark.parametrize("library", ["aio_pika", "pika", "node"])
async def test_a_post_that_waits_for_a_person_is_heard_of_too(running: System, library: str, tmp_path: Path) -> None:
    env, post_id = {**os.environ, **running.env}, f"held, {library}"

    async with following(program(library, "follow"), env, tmp_path) as printed:
        await output_of([*program(library, "schedule"), post_id, "nobody", "Hello"], env)
        await eventually(
            lambda: "publish.held" in facts_in(printed.read_text(), post_id), what=f"{library} hears that it is held"
        )


async def test_a_service_serves_its_part_of_the_contract(running: System) -> None:
    async with httpx.AsyncClient() as client:
        served = [
            (
                await client.get(f"http://127.0.0.1:{process.port}/asyncapi", headers={"Accept": "application/json"})
            ).json()
            for process in running.processes
        ]

    assert served == [contract_of("scheduler"), contract_of("publisher")]


async def test_rabbitmqadmin_schedules_a_post_and_reads_its_outcome(running: System, broker_node: Broker) -> None:
    if shutil.which("rabbitmqadmin") is None:
        pytest.skip("rabbitmqadmin is not installed: it comes with Debian's rabbitmq-server")
    place, vhost = urlsplit(broker_node.management_url), urlsplit(running.env["TIMEBALL_BROKER_URL"]).path[1:]
    access = f"--username {broker_node.username} --password {broker_node.password} --vhost {vhost}"
    env = {**os.environ, "ADMIN": f"rabbitmqadmin --host {place.hostname} --port {place.port} {access}"}
    is_second = "<COMMAND>" in await output_of(["rabbitmqadmin", "--help"], dict(os.environ))
    scripts = EXAMPLES / ("rabbitmqadmin2" if is_second else "rabbitmqadmin")
    heard: dict[str, Any] = {}

    async def is_out() -> bool:
        for line in (await output_of([str(scripts / "follow.sh")], env)).splitlines():
            if line.startswith("["):
                heard.update({one["properties"]["type"]: json.loads(one["payload"]) for one in json.loads(line)})
            elif found := re.search(r'type: "([^"]+)",\s+(\{.*\})', line):
                heard[found[1]] = json.loads(found[2])
        return {"publish.succeeded", "publish.held"} <= set(heard)

    assert not await is_out()
    await output_of([str(scripts / "schedule.sh"), "held, by hand", "nobody", "Hello"], env)
    await output_of([str(scripts / "schedule.sh"), "by-hand", "demo-one", "Hello"], env)
    await eventually(is_out, every=0.5, what="rabbitmqadmin reads the outcomes")

    assert "schedule.accepted" in heard
    assert (heard["publish.succeeded"]["post_id"], heard["publish.held"]["post_id"]) == ("by-hand", "held, by hand")
