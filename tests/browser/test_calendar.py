"""The calendar: posts on their days, moved by keyboard and by mouse, taken back, and many on one day."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

BERLIN = ZoneInfo("Europe/Berlin")
CHANGE = datetime(2027, 3, 27, 2, 30, 15, tzinfo=BERLIN)
"""On the day before the clocks skip this time."""
PAGE = "/calendar?view=month&date=2027-03-27"


async def due_at(world: World, name: str) -> datetime:
    post = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]
    return datetime.fromisoformat(post["publish_at"]).astimezone(BERLIN)


async def scheduled(world: World, at: datetime) -> str:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name) | {"publish_at": at.isoformat()})
    return name


def entry(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(f'[data-key="{name} plain"]')


def day(visitor: Visitor, at: datetime) -> Locator:
    return visitor.page.locator(f'[data-day="{at:%Y-%m-%d}"]')


async def test_a_post_is_moved_by_keyboard_and_taken_back(world: World, visitor: Visitor) -> None:
    name = await scheduled(world, CHANGE - timedelta(days=1))
    await visitor.open(PAGE)
    await entry(visitor, name).get_by_role("link").focus()

    await visitor.page.keyboard.press("Alt+ArrowRight")

    await expect(day(visitor, CHANGE).locator(f'[data-post="{name}"]')).to_be_visible()
    assert await due_at(world, name) == CHANGE
    await visitor.page.get_by_role("button", name="Undo").click()
    await expect(day(visitor, CHANGE - timedelta(days=1)).locator(f'[data-post="{name}"]')).to_be_visible()
    assert await due_at(world, name) == CHANGE - timedelta(days=1)


async def test_a_post_is_dragged_to_another_day(world: World, visitor: Visitor) -> None:
    name = await scheduled(world, CHANGE)
    await visitor.open(PAGE)

    await entry(visitor, name).drag_to(day(visitor, CHANGE - timedelta(days=4)))

    await expect(day(visitor, CHANGE - timedelta(days=4)).locator(f'[data-post="{name}"]')).to_be_visible()
    assert await due_at(world, name) == CHANGE - timedelta(days=4)


async def test_a_time_that_the_clocks_skip_is_moved_to_the_first_after_it(world: World, visitor: Visitor) -> None:
    name = await scheduled(world, CHANGE)
    await visitor.open(PAGE)
    await expect(day(visitor, CHANGE + timedelta(days=1))).to_contain_text("clocks go forward by 60 min")
    await entry(visitor, name).get_by_role("link").focus()

    await visitor.page.keyboard.press("Alt+ArrowRight")

    await expect(day(visitor, CHANGE + timedelta(days=1)).locator(f'[data-post="{name}"]')).to_be_visible()
    assert (await due_at(world, name)).isoformat() == "2027-03-28T03:00:00+02:00"


async def test_more_than_a_day_can_show_are_counted_and_shown_on_its_own_page(world: World, visitor: Visitor) -> None:
    at = datetime(2028, 5, 5, 12, tzinfo=BERLIN)
    names = [await scheduled(world, at + timedelta(minutes=number)) for number in range(6)]
    await visitor.open("/calendar?view=month&date=2028-05-01")

    await day(visitor, at).get_by_role("link", name="+2 more").click()

    for name in names:
        await expect(entry(visitor, name)).to_be_visible()


async def test_a_post_that_is_out_cannot_be_moved(world: World, visitor: Visitor) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "published")
    await visitor.open("/calendar?view=day")

    await expect(entry(visitor, name)).to_be_visible()
    assert await entry(visitor, name).get_attribute("draggable") is None
