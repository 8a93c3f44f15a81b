"""Listings as Reddit may give them: short pages, odd items, odd order. Nothing is lost, and nothing stands still."""

from typing import Any

import pytest

from tests.fakes.networks.base import refuses
from tests.support.monitoring import Monitor


async def begun(monitor: Monitor) -> Monitor:
    monitor.network.post("sailing", "the last one")
    await monitor.configure()
    return await monitor.begun()


@pytest.mark.parametrize("posted", [150, 350])
async def test_a_page_that_is_short_is_not_the_last_one(light_monitor: Monitor, posted: int) -> None:
    """Reddit leaves out of a page what was deleted meanwhile."""
    monitor = await begun(light_monitor)
    items = [monitor.network.post("sailing", f"time ball {number}") for number in range(posted)]
    monitor.network.withheld = {items[-3], items[-120]}

    await monitor.check()

    assert {item for _, item in await monitor.found()} == set(items) - monitor.network.withheld


async def test_a_short_page_in_a_gap_is_not_the_last_one(light_monitor: Monitor) -> None:
    last = light_monitor.network.post("sailing", "the last one")
    await light_monitor.configure()
    monitor = await light_monitor.begun()
    monitor.network.remove(last)
    items = [monitor.network.post("sailing", f"time ball {number}") for number in range(350)]
    monitor.network.withheld = set(items[-120:-20])

    await monitor.check()

    assert {item for _, item in await monitor.found()} == set(items) - monitor.network.withheld


ODD: list[dict[str, Any]] = [
    {"subreddit": "u_some-one"},
    {"created_utc": None},
    {"created_utc": 1e30},
    {"id": "z" * 20},
    {"id": None},
]


@pytest.mark.parametrize("odd", ODD)
async def test_an_item_that_cannot_be_read_keeps_nobody_from_the_others(
    light_monitor: Monitor, odd: dict[str, Any]
) -> None:
    monitor = await begun(light_monitor)
    item = monitor.network.post("sailing", "time ball")
    child = monitor.network.things[-1].told()
    children = [{"kind": "t3", "data": child["data"] | {"id": "zzzz"} | odd}, child]
    monitor.network.faults = [refuses(200, {"data": {"children": children, "after": None}})]

    completed = await monitor.check()

    assert await monitor.found() == [("w", item)]
    assert [(one["subreddit"], "1 of Reddit's items" in one["error"]) for one in completed["problems"]] == [
        ("sailing", True)
    ]


@pytest.mark.parametrize("field", ["title", "author", "selftext", "permalink"])
@pytest.mark.parametrize("text", ["time ball \ud83d", "time ball \x00", "time ball " + "é" * 200_000])
async def test_a_text_that_no_database_takes_is_mended(monitor: Monitor, field: str, text: str) -> None:
    monitor = await begun(monitor)
    item = monitor.network.post("sailing", "time ball")
    child = monitor.network.things[-1].told()
    child["data"][field] = text
    monitor.network.faults = [refuses(200, {"data": {"children": [child], "after": None}})]

    await monitor.check()

    assert await monitor.found() == [("w", item)]


async def test_what_was_there_at_the_first_check_is_not_new_whatever_its_order(light_monitor: Monitor) -> None:
    monitor = light_monitor
    for number in range(3):
        monitor.network.post("sailing", f"time ball {number}")
    children = [thing.told() for thing in monitor.network.things]
    monitor.network.faults = [refuses(200, {"data": {"children": children, "after": None}})]
    await monitor.configure()
    await monitor.begun()

    await monitor.check()

    assert await monitor.found() == []


@pytest.mark.parametrize("status", [301, 307, 410, 451])
async def test_a_subreddit_that_leads_elsewhere_does_not_stop_the_others(light_monitor: Monitor, status: int) -> None:
    await light_monitor.configure(subreddits=["sailing", "moved"])
    await light_monitor.begun()
    light_monitor.network.close("moved", status, "")
    item = light_monitor.network.post("sailing", "time ball")

    completed = await light_monitor.check()

    assert await light_monitor.found() == [("w", item)]
    assert [one["subreddit"] for one in completed["problems"]] == ["moved"]
    assert str(status) in completed["problems"][0]["error"]


async def test_a_refusal_that_nobody_expects_is_told_with_its_status(light_monitor: Monitor) -> None:
    monitor = await begun(light_monitor)
    monitor.network.faults = [refuses(414)] * 3
    item = monitor.network.post("sailing", "time ball")

    completed = await monitor.check()
    await monitor.check()

    assert "(414)" in completed["problems"][0]["error"]
    assert await monitor.found() == [("w", item)]


async def test_an_item_that_a_page_has_twice_is_one_mention(light_monitor: Monitor) -> None:
    monitor = await begun(light_monitor)
    item = monitor.network.post("sailing", "time ball")
    child = monitor.network.things[-1].told()
    monitor.network.faults = [refuses(200, {"data": {"children": [child, child], "after": None}})]

    completed = await monitor.check()

    assert await monitor.found() == [("w", item)]
    assert (completed["found"], completed["items"]) == (1, 1)


async def test_an_item_on_two_pages_is_one_mention(light_monitor: Monitor) -> None:
    """A listing moves on while it is read."""
    monitor = await begun(light_monitor)
    item = monitor.network.post("sailing", "time ball")
    old, new = (thing.told() for thing in monitor.network.things)
    first = {"data": {"children": [new, old], "after": new["data"]["id"]}}
    monitor.network.faults = [refuses(200, first), refuses(200, {"data": {"children": [new, old], "after": None}})]

    completed = await monitor.check()

    assert await monitor.found() == [("w", item)]
    assert (completed["found"], completed["items"]) == (1, 1)


@pytest.mark.parametrize("odd", [{"created_utc": None}, {"id": None}])
async def test_a_page_of_nothing_but_an_odd_item_keeps_nobody_from_the_others(
    light_monitor: Monitor, odd: dict[str, Any]
) -> None:
    """The last page of a listing may hold one item."""
    monitor = light_monitor
    monitor.network.post("sailing", "the first one")
    child = monitor.network.things[-1].told()
    monitor.network.faults = [refuses(200, {"data": {"children": [child | {"data": child["data"] | odd}]}})]
    await monitor.configure()
    await monitor.begun()
    item = monitor.network.post("sailing", "time ball")

    await monitor.check()

    assert await monitor.found() == [("w", item)]
