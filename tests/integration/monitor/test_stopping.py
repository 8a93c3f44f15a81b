"""A monitor that is stopped in the middle of a check gives it back, and the next monitor makes it at once."""

from datetime import UTC, datetime
from pathlib import Path

from shared.events.requests import Keyword, WorkspaceConfigured
from tests.fakes.networks.base import HANGS
from tests.fakes.networks.reddit_listing import CLIENT_ID, CLIENT_SECRET, RedditListing
from tests.nodes import Broker
from tests.support.monitoring import a_tick
from tests.support.system import system
from tests.support.waiting import eventually


async def test_a_check_that_sigterm_cuts_off_is_told_as_released_and_made_again(
    tmp_path: Path, broker_node: Broker
) -> None:
    async with system(tmp_path, broker_node) as running, RedditListing().serving() as network:
        access = {
            "TIMEBALL_REDDIT_SERVER": network.url,
            "TIMEBALL_REDDIT_CLIENT_ID": CLIENT_ID,
            "TIMEBALL_REDDIT_CLIENT_SECRET": CLIENT_SECRET,
        }
        first = await running.start("monitor", env=access)
        keywords = (Keyword(phrase="time ball"),)
        await running.bus.emit(
            WorkspaceConfigured(
                workspace_id="team", monitoring_enabled=True, subreddits=("sailing",), keywords=keywords
            )
        )
        await running.bus.fact("workspace.accepted", workspace_id="team")
        network.faults = [HANGS]
        await running.bus.emit(a_tick("monitor.check", datetime.now(UTC)))
        await eventually(lambda: network.calls and not network.faults, what="Reddit is asked, and hangs")

        assert await first.stop() == 0
        released = await running.bus.fact("job.released", job="monitor.check")
        await running.start("monitor", env=access)
        succeeded = await running.bus.fact("job.succeeded", job="monitor.check")

        assert running.bus.heard("job.failed") == []
        assert succeeded.body["tick_at"] == released.body["tick_at"]
        assert succeeded.body["run_id"] != released.body["run_id"]
