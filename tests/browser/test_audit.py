"""`/audit`: who did what, by filters, page by page, and from a post's page."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_what_was_done_on_the_page_is_found_from_the_posts_page(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/posts", a_post(name))
    await visitor.open(f"/posts/{name}")
    await page.locator("summary", has_text="Cancel").click()
    await page.get_by_role("button", name="Cancel this post").click()
    await expect(page.locator("article .state")).to_have_text("Cancelled")

    await page.get_by_role("link", name="Who did what with it").click()

    rows = page.locator(".acts .row")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("cancel post")
    await expect(rows.nth(0)).to_contain_text("page")
    await expect(rows.nth(1)).to_contain_text("schedule post")
    await expect(rows.nth(1)).to_contain_text("Done")
    await expect(rows.nth(0).get_by_role("link", name=name)).to_be_visible()
    assert await visitor.barriers() == []


async def test_acts_are_filtered_by_who_and_what(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/tokens", {"name": name})
    await visitor.open("/audit")

    await page.get_by_label("What", exact=True).fill("create token")
    await page.get_by_label("On what").fill(name)
    await page.get_by_role("button", name="Show").click()

    await expect(page.locator(".acts .row")).to_have_count(1)
    await page.get_by_label("Who").fill("nobody")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("Nobody did that")).to_be_visible()


async def test_a_post_that_somebody_changed_meanwhile_is_not_cancelled_unseen(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/posts", a_post(name))
    await visitor.open(f"/posts/{name}")
    await page.get_by_role("button", name="Live").click()  # paused: what others change is not drawn
    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Other words."})

    await page.locator("summary", has_text="Cancel").click()
    await page.get_by_role("button", name="Cancel this post").click()

    await expect(page.get_by_role("alert").filter(has_text="Somebody has changed it meanwhile")).to_be_visible()
    (shown,) = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]
    assert shown["state"] == "scheduled"
