"""A console whose database is gone learns everything from the other services, with real processes."""

import asyncio
from pathlib import Path
from typing import Any

from tests.integration.console.conftest import Api, api_of
from tests.integration.console.world import a_post, connect
from tests.nodes import Broker
from tests.support.processes import Process
from tests.support.system import System, running_system
from tests.support.waiting import eventually

SERVICES = ("console", "scheduler", "publisher", "monitor", "maintenance")
WATCHED = {
    "monitoring_enabled": True,
    "subreddits": ["python"],
    "keywords": [{"phrase": "rabbitmq", "match": "word"}],
    "notify_urls": ["json://a.example"],
}
RULES = {"text": {"most": 500, "counted_in": "graphemes"}, "media": {"most": 4, "types": ["image/png"]}}
CHANGES = frozenset({"updated_at", "warning"})
"""What a console that has learned anew may show otherwise: when it learned, and advice that was given once."""


async def shown(api: Api) -> dict[str, Any]:
    posts = (await api.call("GET", "/v1/posts"))["posts"]
    return {
        "posts": [without_changes(post) for post in posts],
        "accounts": [
            without_changes(await api.call("GET", f"/v1/accounts/{name}")) for name in ("strict", "gone", "plain")
        ],
        "states": (await api.call("GET", "/v1/stats"))["states"],
        "workspaces": await api.call("GET", "/v1/workspaces"),
        "timers": [(one["name"], one["cron"], one["zone"]) for one in (await api.call("GET", "/v1/timers"))["timers"]],
    }


def without_changes(view: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if name not in CHANGES}


async def knows_timers(api: Api) -> bool:
    return bool((await api.call("GET", "/v1/timers"))["timers"])


async def with_an_empty_database(console: Process, running: System) -> Process:
    await console.stop()
    await asyncio.to_thread(forget, Path(running.env["TIMEBALL_HOME"]))
    return await running.start("console")


def forget(home: Path) -> None:
    files = list(home.rglob("console.db*"))
    assert files
    for file in files:
        file.unlink()


async def test_a_console_that_lost_its_database_learns_everything_again(broker_node: Broker, tmp_path: Path) -> None:
    async with running_system(tmp_path, broker_node, *SERVICES) as running:
        console, *_ = running.processes
        async with api_of(console, running) as api:
            await connect(api, running, "plain")
            await connect(api, running, "strict", rules=RULES)
            await connect(api, running, "gone", rules=RULES)
            await api.call("DELETE", "/v1/accounts/gone")
            await api.call("PUT", "/v1/workspaces/team", WATCHED)
            await api.call("POST", "/v1/posts", a_post("out", due_in=1))
            await api.call("POST", "/v1/posts", a_post("far", content="Later."))
            await api.call("POST", "/v1/posts", a_post("gone"))
            await api.call("DELETE", "/v1/posts/gone")
            await api.becomes("out", "published")
            await api.becomes("gone", "cancelled")
            await eventually(lambda: knows_timers(api), what="the scheduler has told of its timers")
            before = await shown(api)

        console = await with_an_empty_database(console, running)
        async with api_of(console, running) as api:
            assert (await api.call("GET", "/v1/posts"))["posts"] == []
            rebuilt = await api.call("POST", "/v1/console:rebuild")
            assert rebuilt["waiting"] == []
            told = {one["service"]: one["told"] for one in rebuilt["services"]}
            alerts = (await api.call("GET", "/v1/alerts", state="raised"))["alerts"]
            assert told == {"scheduler": 4, "publisher": 4, "monitor": 1, "maintenance": len(alerts)}
            assert await api.call("GET", f"/v1/console/rebuilds/{rebuilt['correlation_id']}") == rebuilt
            assert await shown(api) == before
