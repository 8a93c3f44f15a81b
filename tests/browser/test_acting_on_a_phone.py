"""What people do on a phone, with a finger: move, cancel, settle."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, SIZES, Visitor
from tests.fakes.sink import LOST_REPLY
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(loop_scope="session")
async def phone(world: World, browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody who is signed in on a phone."""
    width, height = SIZES["phone"]
    context = await browser.new_context(
        timezone_id="Europe/Berlin", viewport={"width": width, "height": height}, has_touch=True, is_mobile=True
    )
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(f"http://127.0.0.1:{world.console.port}", context, await context.new_page())
    visitor.watch(visitor.page)
    await visitor.open((await world.api.call("POST", "/sign-in-links"))["path"])
    await expect(visitor.page.get_by_role("contentinfo")).to_contain_text("Europe/Berlin")
    yield visitor
    assert visitor.complaints == []
    await context.close()


async def test_a_post_is_moved_and_cancelled(world: World, phone: Visitor) -> None:
    name, page = a_name(), phone.page
    await world.api.call("POST", "/v1/posts", a_post(name))
    await phone.open(f"/posts/{name}")

    await page.get_by_text("Edit or move").tap()
    await page.get_by_label("Time in Europe/Berlin").fill("2099-07-01T09:30:15")
    await page.get_by_role("button", name="Save").tap()
    await expect(page.locator("article.card")).to_contain_text("1 Jul 2099, 09:30:15")
    assert not await phone.is_wider_than_the_screen()

    await page.locator("summary", has_text="Cancel").tap()
    await page.get_by_role("button", name="Cancel this post").tap()
    await expect(page.locator("article.card .state")).to_have_text("Cancelled")


async def test_an_unknown_outcome_is_settled(world: World, phone: Visitor) -> None:
    name = a_name()
    world.system.sink.will_answer(name, LOST_REPLY)
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "unknown")
    await phone.open("/")
    card = phone.page.locator("article", has=phone.page.locator(f'a[href="/posts/{name}"]'))

    await card.get_by_role("button", name="It is out", exact=True).tap()

    await expect(card).to_have_count(0)
    assert (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["state"] == "published"
