"""A console with the services behind it, and how tests talk to its API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.integration.console.conftest import Api, api_of
from tests.nodes import Broker
from tests.support.processes import Process
from tests.support.system import System, in_seconds, running_system


@dataclass(frozen=True)
class World:
    """A console with the services behind it."""

    system: System
    api: Api
    console: Process


@asynccontextmanager
async def a_world(folder: Path, broker_node: Broker) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with running_system(folder, broker_node, "scheduler", "publisher", "console") as running:
        *_, console = running.processes
        async with api_of(console, running) as api:
            await connect(api, running, "plain", answers_lookups=False)
            yield World(running, api, console)


async def connect(api: Api, running: System, account_id: str, **settings: Any) -> dict[str, Any]:
    body = {"platform": "sandbox", "settings": {"url": f"{running.sink.url}/{account_id}"} | settings}
    account: dict[str, Any] = await api.call("PUT", f"/v1/accounts/{account_id}", body)
    return account


def a_name() -> str:
    return f"post-{uuid4().hex[:10]}"


def a_post(post_id: str, *account_ids: str, due_in: float = 3600, **more: Any) -> dict[str, Any]:
    targets = [{"account_id": account_id} for account_id in account_ids or ("plain",)]
    at = in_seconds(due_in).isoformat()
    return {"post_id": post_id, "content": "The ball drops.", "publish_at": at, "targets": targets} | more
