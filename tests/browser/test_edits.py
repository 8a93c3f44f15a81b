"""An open edit of a post: what is said to it, how it was opened, and what becomes of what was asked of all accounts."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Visitor
from tests.browser.test_late_answers import Held, Turns
from tests.browser.test_post import scheduled, shown
from tests.integration.console.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_what_is_said_to_an_older_text_does_not_replace_what_is_said_to_a_newer(
    world: World, visitor: Visitor
) -> None:
    page, held = visitor.page, Held()
    await scheduled(world, visitor)
    await page.get_by_text("Edit or move").click()
    await page.get_by_text("How it will look").click()
    said = page.locator('form[data-edit] [data-region="previews"]')
    await expect(said).to_contain_text("The ball drops.")
    await page.route("**/compose/check", Turns(held.hold).take)
    await page.locator("[name=content]").fill("The older one")
    await held.has_answer.wait()
    await page.locator("[name=content]").fill("The newer one")
    await expect(said).to_contain_text("The newer one")

    async with page.expect_event("requestfinished", lambda request: "/compose/check" in request.url):
        held.let_go.set()
    await page.evaluate("fetch('/healthz')")  # by then the page has read what came before

    await expect(said).to_contain_text("The newer one")
    await page.unroute_all(behavior="wait")


async def test_an_edit_that_the_browser_has_unfolded_by_itself_is_saved(world: World, visitor: Visitor) -> None:
    """As where one looks for words on the page."""
    page = visitor.page
    name = await scheduled(world, visitor)
    await page.locator("details[data-key=edit]").evaluate("(details) => { details.open = true; }")
    await expect(page.locator('form[data-edit] [data-region="previews"]')).to_contain_text("The ball drops.")
    await page.locator("[name=content]").fill("Found and mended")

    await page.get_by_role("button", name="Save").click()

    await expect(page.locator(".content").first).to_have_text("Found and mended")
    assert (await shown(world, name))["content"] == "Found and mended"


async def test_what_was_asked_of_all_accounts_is_over_once_it_is_to_go_to_none(world: World, visitor: Visitor) -> None:
    page = visitor.page
    name = await scheduled(world, visitor, "plain", "other")
    whole = page.locator('article[data-key="every account"]')

    async def not_answered_yet(route: Route) -> None:
        answer = {"asked_at": datetime.now(UTC).isoformat(), "cancelled": [], "rejected": [], "pending": True}
        await route.fulfill(status=202, json=answer)

    await page.route("**/v1/posts/*", not_answered_yet)
    await whole.get_by_text("Cancel", exact=True).click()
    await whole.locator("form[data-cancel] button[type=submit]").click()
    await expect(page.locator("#pending")).to_contain_text("It has not been answered")
    await page.mouse.move(1, 1)  # nothing goes from below the pointer

    await world.api.call("DELETE", f"/v1/posts/{name}")

    await expect(whole).to_have_count(0)
    await expect(page.locator("#pending")).to_be_empty()
