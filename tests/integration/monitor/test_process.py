"""The monitor as a process, beside the console: from a file of workspaces to a mail and a page of mentions."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.process.home import Home
from tests.fakes.mail import Mailbox
from tests.fakes.networks.base import refuses
from tests.fakes.networks.reddit_listing import CLIENT_ID, CLIENT_SECRET, RedditListing
from tests.integration.console.conftest import Api, api_of
from tests.nodes import Broker
from tests.support.monitoring import a_tick
from tests.support.processes import Process
from tests.support.system import System, started, system
from tests.support.waiting import eventually


async def test_from_a_file_of_workspaces_to_mails_and_mentions(tmp_path: Path, broker_node: Broker) -> None:
    async with (
        system(tmp_path, broker_node) as running,
        RedditListing().serving() as network,
        Mailbox().serving() as mailbox,
    ):
        access = {
            "TIMEBALL_REDDIT_SERVER": network.url,
            "TIMEBALL_REDDIT_CLIENT_ID": CLIENT_ID,
            "TIMEBALL_REDDIT_CLIENT_SECRET": CLIENT_SECRET,
        }
        monitor, console = await started(running, "monitor", "console", env=access)
        await apply(running, console, mailbox)
        async with api_of(console, running) as api:
            status, error = await api.refused("PUT", "/v1/workspaces/odd", {"keywords": [{"phrase": "x"}]})
            assert (status, "subreddits: none is named" in error["detail"]) == (400, True)
            shown = await api.call("GET", "/v1/workspaces/odd")
            assert shown["rejection"] == error["detail"]
        await tick(running, count=1)
        item = network.post("sailing", "The time ball drops")
        mailbox.replies = ["451 busy"]

        await tick(running, count=2)

        mention = await running.bus.fact("mention.found", item_id=item)
        assert mention.body["keywords"] == ["time ball"]
        await eventually(lambda: mailbox.mails, what="the mail is there after a retry")
        async with api_of(console, running) as api:
            await eventually(lambda: has_mention(api, item), what="the console shows the mention")
            assert "mailto" not in str(await api.call("GET", "/v1/workspaces"))
        network.faults = [refuses(403, {"reason": "private"})] * 2
        completed = await tick(running, count=3)
        assert completed["problems"][0]["subreddit"] == "sailing"
        assert await monitor.stop() == 0
        assert len(mailbox.mails) == 1
        assert CLIENT_SECRET not in monitor.log.read_text()
        assert "mailto" not in monitor.log.read_text()


async def tick(running: System, *, count: int) -> dict[str, list[dict[str, str]]]:
    """Let the timer fire, and the check be over."""
    at = datetime.now(UTC) + timedelta(microseconds=count)
    await running.bus.emit(a_tick("monitor.check", at))
    return (await running.bus.fact("monitor.completed", count=count)).body


async def apply(running: System, console: Process, mailbox: Mailbox) -> None:
    """`timeball workspaces apply`, as a person runs it."""
    file = running.folder / "workspaces.yaml"
    file.write_text(
        f"{{workspace_id: team, subreddits: [sailing], keywords: [time ball], notify_urls: ['{mailbox.url}']}}"
    )
    command = [sys.executable, "-c", "from services.console.cli import main; main()", "workspaces", "apply", str(file)]
    token = Home(Path(running.env["TIMEBALL_HOME"])).api_token()
    environment = {
        **running.env,
        "TIMEBALL_URL": f"http://127.0.0.1:{console.port}",
        "TIMEBALL_API_TOKEN": token,
    }
    program = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    told, _ = await program.communicate()
    assert program.returncode == 0, told
    await running.bus.fact("workspace.configured", workspace_id="team")


async def has_mention(api: Api, item: str) -> bool:
    """Whether the console has heard of it."""
    page = await api.call("GET", "/v1/mentions", workspace_id="team")
    return any(one["item_id"] == item for one in page["mentions"])
