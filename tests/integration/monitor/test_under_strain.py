"""Checks under strain: clocks that are set, a thousand workspaces, a process that is killed in the middle."""

from datetime import timedelta

import pytest

from services.monitor.checking import Tally
from services.monitor.reading import Reading
from tests.support.monitoring import Monitor

WORKSPACES = 1000


async def test_a_clock_that_was_set_back_stops_no_check(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.left, light_monitor.network.window_seconds = 1.0, 42
    await light_monitor.check()
    light_monitor.clock.advance(-timedelta(hours=5))
    light_monitor.clock.naps.clear()
    item = light_monitor.network.post("sailing", "time ball")

    await light_monitor.check()

    assert await light_monitor.found() == [("w", item)]
    assert max(light_monitor.clock.naps, default=timedelta(0)) <= timedelta(minutes=10)


async def test_a_clock_that_was_set_back_slows_no_check_down(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    light_monitor.network.left = 1e6
    for _ in range(60):
        await light_monitor.check()
    light_monitor.clock.advance(-timedelta(hours=6))
    light_monitor.clock.naps.clear()

    for _ in range(20):
        await light_monitor.check()

    assert sum(light_monitor.clock.naps, timedelta(0)) <= timedelta(minutes=1)


async def test_a_thousand_workspaces_ask_reddit_no_more_than_their_subreddits_need(light_monitor: Monitor) -> None:
    for number in range(WORKSPACES):
        keywords = [{"phrase": "time ball"}, {"phrase": f"word{number}"}]
        await light_monitor.configure(f"w{number}", subreddits=[f"sub{number % 100}"], keywords=keywords)
    await light_monitor.begun()
    light_monitor.network.calls.clear()
    light_monitor.network.post("sub7", "The time ball drops on word7")

    completed = await light_monitor.check()

    assert (completed["checked"], completed["found"], completed["failed"]) == (WORKSPACES, WORKSPACES // 100, [])
    assert len(light_monitor.network.listings()) == 4
    told = {one["workspace_id"]: one["keywords"] for one in await light_monitor.told("mention.found")}
    assert told["w7"] == ["time ball", "word7"]
    assert told["w107"] == ["time ball"]


class Killed(BaseException):
    """The process ends here."""


async def test_a_check_that_is_killed_between_two_pages_is_gone_on_with_and_finds_each_item_once(
    light_monitor: Monitor,
) -> None:
    last = light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.remove(last)
    items = [light_monitor.network.post("sailing", f"time ball {number}") for number in range(250)]

    with pytest.raises(Killed):
        await killed_after(light_monitor, pages=2)
    found_before = len(await light_monitor.found())
    for _ in range(2):
        await light_monitor.check()

    assert 0 < found_before < len(items)
    assert [item for _, item in await light_monitor.found()] == items


async def killed_after(monitor: Monitor, *, pages: int) -> None:
    """Read as a check does, in a process that ends once so many pages with something new have been dealt with."""
    taken = 0

    async def take(found: object, bookmarks: object) -> None:
        nonlocal taken
        if taken == pages:
            raise Killed
        taken += 1
        await monitor.checking._take(found, bookmarks, watched, "c")  # type: ignore[arg-type]

    watched = await monitor.checking._watched(Tally())
    reading = Reading(monitor.checking.reddit, take, monitor.clock.now())
    await reading.read(["sailing"], "post", await monitor.store.bookmarks("post"))
