"""The way from one secret key to another, with real processes: afterwards the old key is not needed any more."""

from pathlib import Path

from cryptography.fernet import Fernet

from tests.integration.console.conftest import Api, api_of
from tests.integration.console.world import a_post, connect
from tests.nodes import Broker
from tests.support.processes import Process
from tests.support.system import System, system

KEEPERS = ("publisher", "monitor")
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


async def start(running: System, keys: str) -> list[Process]:
    return [await running.start(service, env={"TIMEBALL_SECRET_KEYS": keys}) for service in KEEPERS]


async def stop(keepers: list[Process]) -> None:
    for process in keepers:
        await process.stop()


async def rotated(api: Api) -> dict[str, int]:
    answer = await api.call("POST", "/v1/keys:rotate")
    assert answer["waiting"] == []
    assert [one["unreadable"] for one in answer["services"]] == [[], []]
    return {one["service"]: one["rotated"] for one in answer["services"]}


async def test_after_the_old_key_is_dropped_posts_are_published(broker_node: Broker, tmp_path: Path) -> None:
    async with system(tmp_path, broker_node) as running:
        await running.start("scheduler")
        console = await running.start("console")
        async with api_of(console, running) as api:
            keepers = await start(running, OLD)
            await connect(api, running, "kept")
            watched = {
                "monitoring_enabled": False,
                "subreddits": [],
                "keywords": [],
                "notify_urls": ["json://a.example"],
            }
            await api.call("PUT", "/v1/workspaces/team", watched)
            await stop(keepers)

            keepers = await start(running, f"{NEW},{OLD}")
            assert await rotated(api) == {"monitor": 1, "publisher": 1}
            await stop(keepers)

            await start(running, NEW)
            await api.call("POST", "/v1/posts", a_post("after", "kept", due_in=1))
            await api.becomes("after", "published")
