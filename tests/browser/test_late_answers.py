"""Answers that come late, or in another order than they were asked for, do not confuse a page."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@dataclass
class Held:
    """An answer of the console that the browser gets later."""

    has_answer: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, route: Route) -> None:
        """Ask the console now, and hand its answer on once it is let go."""
        answer = await route.fetch()
        self.has_answer.set()
        await self.let_go.wait()
        await route.fulfill(response=answer)


class Turns:
    """What becomes of each request for an address in turn; of later ones nothing special."""

    def __init__(self, *handlers: Callable[[Route], Awaitable[None]]) -> None:
        self._handlers = iter(handlers)

    async def take(self, route: Route) -> None:
        """Handle a request."""
        await next(self._handlers, nothing_held)(route)


async def nothing_held(route: Route) -> None:
    """Let it through."""
    await route.continue_()


async def test_ones_own_edit_is_never_shown_as_somebody_elses_however_late_answers_come(
    world: World, visitor: Visitor
) -> None:
    page, name = visitor.page, a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=5_000_000))
    await visitor.open(f"/posts/{name}")
    await expect(page.locator("#live")).to_have_text("Live")
    live = page.get_by_role("button", name="Live")
    await page.get_by_text("Edit or move").click()
    await page.locator("[name=content]").fill("Mine")
    await live.click()  # paused: the page asks when it is told to
    saving, comparing, looking = Held(), Held(), Held()
    await page.route("**/v1/posts/*", saving.hold)
    await page.get_by_role("button", name="Save").click()
    await saving.has_answer.wait()

    await page.route(page.url, Turns(nothing_held, comparing.hold, looking.hold).take)
    await page.get_by_role("button", name="Paused").click()  # shows the change, and compares it with what is open
    await comparing.has_answer.wait()
    await live.click()
    await page.get_by_role("button", name="Paused").click()  # looks once more
    await looking.has_answer.wait()
    saving.let_go.set()
    await expect(page.locator("details[data-key=edit]")).not_to_have_attribute("open", "")
    async with page.expect_response(page.url):
        comparing.let_go.set()
    await page.get_by_text("Edit or move").click()

    await expect(page.locator("[name=content]")).to_have_value("Mine")
    looking.let_go.set()
    await expect(page.locator(".content").first).to_have_text("Mine")
    await expect(page.locator("[data-theirs]").first).to_be_hidden()
    await page.unroute_all(behavior="wait")
