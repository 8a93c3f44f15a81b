"""Times of the calendar that are none, or past."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_calendar import CHANGE, PAGE, due_at, entry, scheduled
from tests.integration.console.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_half_a_time_is_moved_nowhere(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, CHANGE), visitor.page
    await visitor.open(PAGE)
    await entry(visitor, name).focus()
    await page.keyboard.press("Alt+ArrowRight")
    button = page.get_by_role("dialog").get_by_role("button", name="Move")
    await expect(button).to_have_attribute("aria-disabled", "false")

    await page.locator("[name=to]").fill("")
    await page.keyboard.press("Alt+ArrowRight")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")

    assert await due_at(world, name) == CHANGE


@pytest.mark.parametrize(
    ("date", "leads_to"), [("2020-01-06", None), ("2033-01-05", "at=2033-01-05T12%3A00%3A00&zone=Asia%2FTokyo")]
)
async def test_an_empty_day_offers_a_post_for_it_in_the_zone_that_is_shown_unless_it_is_past(
    visitor: Visitor, date: str, leads_to: str | None
) -> None:
    await visitor.open(f"/calendar?view=day&date={date}&zone=Asia/Tokyo")

    await expect(visitor.page.get_by_text("Nothing is due on this day")).to_be_visible()
    offers = visitor.page.get_by_role("link", name=re.compile("Write a post for"))
    assert [await one.get_attribute("href") for one in await offers.all()] == (
        [f"/compose?{leads_to}"] if leads_to else []
    )
