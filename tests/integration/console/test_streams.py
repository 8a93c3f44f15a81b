"""Streams of a console that runs: they say when the broker is away, and end with the token that opened them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from tests.integration.console.conftest import api_of
from tests.nodes import Broker
from tests.support.system import system
from tests.support.waiting import PATIENCE


async def test_a_stream_says_that_the_broker_is_away_and_that_it_is_back(broker_node: Broker, tmp_path: Path) -> None:
    async with system(tmp_path, broker_node) as running:
        console = await running.start("console")
        async with api_of(console, running) as api, api.http.stream("GET", "/v1/events") as opened_before:
            states = _states(opened_before)
            await asyncio.to_thread(broker_node.stop)
            away = await asyncio.wait_for(anext(states), PATIENCE)
            assert (away["broker"], bool(away["reason"])) == ("away", True)

            async with api.http.stream("GET", "/v1/events") as opened_meanwhile:
                told = await asyncio.wait_for(anext(_states(opened_meanwhile)), PATIENCE)
                assert told["broker"] == "away"

            await asyncio.to_thread(broker_node.start)
            assert await asyncio.wait_for(anext(states), PATIENCE) == {"broker": "connected"}


async def _states(stream: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """What a stream says of the broker."""
    is_state = False
    async for line in stream.aiter_lines():
        if line.startswith("data: ") and is_state:
            yield json.loads(line.removeprefix("data: "))
        is_state = line == "event: state"


async def test_an_idle_stream_ends_soon_after_its_token_was_revoked(broker_node: Broker, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(system(tmp_path, broker_node))
        console = await running.start("console", module="tests.support.silent_console")
        api = await stack.enter_async_context(api_of(console, running))
        made = await api.call("POST", "/v1/tokens", {"name": "watcher", "scope": "read"})
        headers = {"Authorization": f"Bearer {made['secret']}"}
        async with api.http.stream("GET", "/v1/events", params={"type": "digest.sent"}, headers=headers) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": listening"

            await api.call("DELETE", "/v1/tokens/watcher")

            async with asyncio.timeout(PATIENCE):  # not only with the next sign of life
                assert [line async for line in lines if line][1:] == ["event: alive", "data: {}"]
