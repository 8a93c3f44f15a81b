"""What surfaces late among older items is found once, and what was seen is not found again."""

import pytest

from services.monitor.bookmarks import MOST_REMEMBERED
from services.monitor.reading import OVERLAP
from tests.support.monitoring import Monitor


@pytest.mark.parametrize("kind", ["post", "comment"])
@pytest.mark.parametrize(("younger", "checks"), [(1, 1), (OVERLAP, 1), (300, 12)])
async def test_an_item_that_a_moderator_lets_through_late_is_found_once(
    light_monitor: Monitor, kind: str, younger: int, checks: int
) -> None:
    await light_monitor.configure()
    await light_monitor.begun()
    add = light_monitor.network.post if kind == "post" else light_monitor.network.comment
    late = light_monitor.network.hide(add("sailing", "time ball, held back"))
    for _ in range(younger):
        add("sailing", "nothing")
    await light_monitor.check()
    light_monitor.network.approve(late)

    for _ in range(checks):
        await light_monitor.check()
    assert await light_monitor.found() == [("w", late.name)]
    for _ in range(2):
        await light_monitor.check()

    assert await light_monitor.found() == [("w", late.name)]


async def test_an_item_is_found_late_in_a_busy_subreddit_as_well(light_monitor: Monitor) -> None:
    """More was posted than a page holds: the next check still looks back beyond where it left off."""
    await light_monitor.configure()
    await light_monitor.begun()
    late = light_monitor.network.hide(light_monitor.network.post("sailing", "time ball, held back"))
    await light_monitor.check()
    for _ in range(80):
        light_monitor.network.post("sailing", "nothing")
    await light_monitor.check()
    for _ in range(80):
        light_monitor.network.post("sailing", "nothing")
    light_monitor.network.approve(late)

    await light_monitor.check()

    assert await light_monitor.found() == [("w", late.name)]


async def test_what_was_held_back_before_the_first_check_is_not_new(light_monitor: Monitor) -> None:
    late = light_monitor.network.hide(light_monitor.network.post("sailing", "time ball, held back"))
    light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.approve(late)

    await light_monitor.check()

    assert await light_monitor.found() == []


async def test_what_was_purged_is_not_found_again(light_monitor: Monitor) -> None:
    """Not the mentions remember what was seen, but the bookmarks."""
    await light_monitor.configure()
    await light_monitor.begun()
    light_monitor.network.post("sailing", "time ball")
    await light_monitor.check()
    async with light_monitor.store.unit() as unit:
        await unit.connection.exec_driver_sql("DELETE FROM mentions")

    completed = await light_monitor.check()

    assert completed["items"] == 0
    assert len(await light_monitor.found()) == 1


async def test_more_than_can_be_remembered_is_found_once_each(monitor: Monitor) -> None:
    await monitor.configure()
    await monitor.begun()
    expected = []
    for _ in range(3):
        expected += [monitor.network.post("sailing", "time ball") for _ in range(MOST_REMEMBERED * 2 // 3)]
        await monitor.check()
    await monitor.check()

    assert [item for _, item in await monitor.found()] == sorted(expected)
