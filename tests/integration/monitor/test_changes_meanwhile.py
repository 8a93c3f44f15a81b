"""Workspaces that change while a check runs, which may take minutes: what it reads after that is judged by what is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from services.monitor.listing import Page
from services.monitor.reddit import Reddit
from services.monitor.tables import workspaces
from shared.events.requests import WorkspaceRemoveRequested
from shared.messaging.envelope import Delivery
from tests.support.monitoring import NOON, Monitor

Change = Callable[[], Awaitable[None]]


@dataclass
class ChangingMeanwhile:
    """Reddit, at whose first listing something changes."""

    reddit: Reddit
    change: Change
    is_changed: bool = False

    async def listing(self, *arguments: Any, **more: Any) -> Page:
        """A page, after the change."""
        if not self.is_changed:
            self.is_changed = True
            await self.change()
        return await self.reddit.listing(*arguments, **more)


async def check_with(monitor: Monitor, change: Change) -> None:
    """A check in the middle of which something changes: its keywords are known, and nothing has been read yet."""
    changing = ChangingMeanwhile(monitor.checking.reddit, change)
    await replace(monitor.checking, reddit=changing).check("c")  # type: ignore[arg-type]


async def test_a_keyword_that_is_added_counts_for_what_is_read_from_then_on(monitor: Monitor) -> None:
    await monitor.configure()
    await monitor.begun()
    item = monitor.network.post("sailing", "The noon gun")

    await check_with(monitor, lambda: monitor.configure(keywords=[{"phrase": "noon gun"}]))

    assert await monitor.found() == [("w", item)]


async def test_nothing_is_found_for_what_was_removed_or_turned_off(monitor: Monitor) -> None:
    await monitor.configure()
    await monitor.configure("off")
    await monitor.configure("stays")
    await monitor.begun()
    item = monitor.network.post("sailing", "The time ball drops")

    async def change() -> None:
        request = WorkspaceRemoveRequested(workspace_id="w", requested_at=NOON + timedelta(hours=1))
        await monitor.removing.on_workspace_remove_requested(Delivery(request, "m", "c"))
        await monitor.configure("off", monitoring_enabled=False)

    await check_with(monitor, change)

    assert await monitor.found() == [("stays", item)]
    assert await monitor.store.mention("w", item) is None


async def test_a_subreddit_that_nobody_followed_for_a_while_begins_anew(monitor: Monitor) -> None:
    """What was posted while nobody watched it is not new, and its bookmarks are not kept for ever."""
    await monitor.configure()
    await monitor.begun()
    await monitor.configure(subreddits=["horology"])
    await monitor.check()
    kept = set(await monitor.store.bookmarks("post"))
    monitor.network.post("sailing", "time ball, unwatched")

    await monitor.configure()
    await monitor.check()
    item = monitor.network.post("sailing", "time ball, watched")
    await monitor.check()

    assert await monitor.found() == [("w", item)]
    assert kept == {"horology"}


async def test_a_subreddit_that_nobody_can_read_for_a_while_goes_on_where_it_was(light_monitor: Monitor) -> None:
    monitor = light_monitor
    await monitor.configure(subreddits=["sailing", "horology"])
    await monitor.begun()
    monitor.network.close("sailing")
    await monitor.check()
    item = monitor.network.post("sailing", "time ball")
    monitor.network.closed.clear()

    await monitor.check()

    assert await monitor.found() == [("w", item)]


async def test_a_workspace_that_cannot_be_read_for_a_while_goes_on_where_it_was(light_monitor: Monitor) -> None:
    monitor = light_monitor
    await monitor.configure()
    await monitor.begun()
    async with monitor.store.unit() as unit:
        await unit.connection.execute(update(workspaces).values(keywords="no JSON"))
    await monitor.check()
    item = monitor.network.post("sailing", "time ball")

    await monitor.configure()
    await monitor.check()

    assert await monitor.found() == [("w", item)]
