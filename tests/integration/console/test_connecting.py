"""`timeball accounts add` against a network that checks credentials: what it says, and what it leaves as it was."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.fakes.networks.telegram import CHANNEL, TOKEN, Telegram
from tests.integration.console.world import World, a_world
from tests.nodes import Broker

COMMAND = (sys.executable, "-c", "from services.console.cli.application import main; main()")
WRONG_TOKEN = TOKEN[:-1] + "x"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Answered:
    """How a command ended."""

    code: int | None
    out: str
    err: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console."""
    async with a_world(tmp_path_factory.mktemp("connecting"), broker_node) as running:
        yield running


async def add(world: World, account_id: str, server: str, token: str) -> Answered:
    """Run `timeball accounts add telegram`, with the secret on stdin."""
    environment = dict(world.system.env) | {
        "TIMEBALL_URL": str(world.api.http.base_url),
        "TIMEBALL_API_TOKEN": world.api.http.headers["authorization"].removeprefix("Bearer "),
    }
    settings = ("--setting", f"server={server}", "--setting", f"chat_id={CHANNEL['id']}")
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *("accounts", "add", "telegram", account_id, *settings, "--credentials-file", "-"),
        env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(json.dumps({"bot_token": token}).encode())
    return Answered(process.returncode, out.decode(), " ".join(err.decode().split()))


async def test_a_wrong_token_is_told_and_the_account_that_works_stays_as_it_was(world: World) -> None:
    async with Telegram().serving() as network:
        good = await add(world, "channel", network.url, TOKEN)
        wrong = await add(world, "channel", network.url, WRONG_TOKEN)
        never = await add(world, "other", network.url, WRONG_TOKEN)

    assert (good.code, "is connected to telegram" in good.out) == (0, True)
    assert (wrong.code, never.code, wrong.out, never.out) == (1, 1, "", "")
    assert "credentials.bot_token: HTTP 401: Unauthorized" in wrong.err
    assert WRONG_TOKEN not in wrong.err
    channel, other = [await world.api.call("GET", f"/v1/accounts/{name}") for name in ("channel", "other")]
    assert (channel["connected"], channel["error"], channel["needs_reconnect"]) == (True, None, False)
    assert (other["connected"], other["platform"]) == (False, "telegram")
    assert "Unauthorized" in other["connect_error"]["message"]


async def test_a_server_that_does_not_answer_is_told(world: World) -> None:
    async with Telegram().serving() as network:
        gone = network.url

    answered = await add(world, "nowhere", gone, TOKEN)

    assert answered.code == 1
    assert "could not be tried" in answered.err
