"""Pages stay true by themselves: in every tab, whichever listens, and after the console was away."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

TABS = 7


async def shows_as_published(page: Page, name: str) -> None:
    await expect(page.locator('[data-region="out"]').get_by_text(name)).to_be_visible()


async def test_seven_tabs_are_all_live_whichever_of_them_is_closed(world: World, visitor: Visitor) -> None:
    tabs = [visitor.page, *[await visitor.context.new_page() for _ in range(TABS - 1)]]
    for tab in tabs:
        visitor.watch(tab)
        await tab.goto(f"{visitor.base}/")
        await expect(tab.locator("#live")).to_have_text("Live")

    while len(tabs) > 1:
        name = a_name()
        await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
        for tab in tabs:
            await shows_as_published(tab, name)
        closed, tabs = tabs[: len(tabs) // 2], tabs[len(tabs) // 2 :]  # the one that listens is the first
        for tab in closed:
            await tab.close()


async def test_a_tab_that_nobody_sees_asks_for_nothing_and_is_true_when_one_comes_back(
    world: World, visitor: Visitor
) -> None:
    hidden, seen, name = visitor.page, await visitor.context.new_page(), a_name()
    await hidden.add_init_script("Object.defineProperty(Document.prototype, 'hidden', { get: () => !window.isSeen })")
    async with hidden.expect_response(lambda answer: answer.request.resource_type == "xhr"):
        await hidden.goto(f"{visitor.base}/")  # it asks once when it is connected
    await seen.goto(f"{visitor.base}/")
    await expect(seen.locator("#live")).to_have_text("Live")
    asked: list[str] = []
    hidden.on("request", lambda request: asked.append(request.url))

    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await shows_as_published(seen, name)
    assert asked == []

    await hidden.evaluate("() => { window.isSeen = true; document.dispatchEvent(new Event('visibilitychange')); }")
    await shows_as_published(hidden, name)


async def test_what_happens_while_another_tab_takes_over_is_not_missed(world: World, visitor: Visitor) -> None:
    other = await visitor.context.new_page()
    for tab in (visitor.page, other):
        await tab.goto(f"{visitor.base}/")
        await expect(tab.locator("#live")).to_have_text("Live")
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await visitor.page.close()

    await shows_as_published(other, name)


async def test_a_console_that_was_away_is_missed_at_once_and_its_page_is_true_again(
    world: World, stranger: Visitor
) -> None:
    link = await world.api.call("POST", "/sign-in-links")
    await stranger.open(link["path"])
    page, name = stranger.page, a_name()
    await expect(page.locator("#live")).to_have_text("Live")
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=4))
    await expect(page.locator('[data-region="due"]').get_by_text(name)).to_be_visible()

    await world.console.kill()
    await expect(page.locator("#live")).to_have_text("Lost")
    await expect(page.get_by_role("status").filter(has_text="connection to the console is lost")).to_be_visible()
    await eventually(lambda: name in str(world.system.sink.answered), what="it was published meanwhile")
    await world.console.start()
    await world.console.ready()

    await expect(page.locator("#live")).to_have_text("Live")
    await shows_as_published(page, name)
    await expect(page.locator('[data-region="due"]').get_by_text(name)).to_have_count(0)
