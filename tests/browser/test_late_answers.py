"""Answers that come late, or in another order than they were asked for, do not confuse a page."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

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


@pytest.mark.parametrize("what", ["answer", "page"])
async def test_what_is_written_while_a_save_is_under_way_is_kept_and_can_be_saved(
    world: World, visitor: Visitor, what: str
) -> None:
    page, name = visitor.page, a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=5_000_000))
    await visitor.open(f"/posts/{name}")
    await expect(page.locator("#live")).to_have_text("Live")
    await page.get_by_role("button", name="Live").click()  # paused: the page asks when it is told to
    await page.get_by_text("Edit or move").click()
    content, save = page.locator("[name=content]"), page.get_by_role("button", name="Save")
    await content.fill("First")
    held = Held()
    await page.route("**/v1/posts/*" if what == "answer" else page.url, Turns(held.hold).take)
    await save.click()
    await held.has_answer.wait()
    if what == "page":
        await page.get_by_text("Edit or move").click()
    await content.fill("Second")
    held.let_go.set()
    await expect(page.locator(".content").first).to_have_text("First")

    await expect(content).to_have_value("Second")
    await expect(save).to_be_enabled()
    await save.click()
    await expect(page.locator(".content").first).to_have_text("Second")
    await page.unroute_all(behavior="wait")


async def test_an_older_refusal_is_not_taken_for_that_of_what_was_asked_for_since(
    world: World, visitor: Visitor
) -> None:
    page, name = visitor.page, a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=5_000_000))

    async def refused_before_it_runs(route: Route) -> None:
        await world.api.refused("PATCH", f"/v1/posts/{name}", {"publish_at": "2020-01-01T00:00:00Z"})
        await route.continue_()

    await page.route("**/assets/main.js", refused_before_it_runs)
    await visitor.open(f"/posts/{name}")
    await expect(page.locator("#live")).to_have_text("Live")
    await expect(page.get_by_role("heading", name="Not accepted")).to_be_visible()

    async def not_answered_yet(route: Route) -> None:
        answer = {"asked_at": datetime.now(UTC).isoformat(), "accepted": [], "rejected": [], "pending": True}
        await route.fulfill(status=202, json=answer)

    await page.route("**/v1/posts/*", not_answered_yet)
    await page.get_by_text("Edit or move").click()
    await page.locator("[name=content]").fill("Asked for")
    await page.get_by_role("button", name="Save").click()

    await expect(page.locator("#pending")).to_contain_text("It has not been answered")
    await page.get_by_role("button", name="Live").click()
    async with page.expect_response(page.url):
        await page.get_by_role("button", name="Paused").click()  # looks once more
    await page.evaluate("fetch('/healthz')")
    await expect(page.locator("#pending")).to_contain_text("It has not been answered")
    await page.unroute_all(behavior="wait")


DUE = datetime(2027, 6, 15, 9, 30, tzinfo=UTC)


async def two_posts(world: World) -> tuple[str, str]:
    """Due at the same time."""
    names = a_name(), a_name()
    for name in names:
        await world.api.call("POST", "/v1/posts", a_post(name) | {"content": name, "publish_at": DUE.isoformat()})
    return names


async def move_a_day_ahead(visitor: Visitor, name: str) -> None:
    """Ask for it by keyboard, as far as the dialog that shows what it means."""
    await visitor.page.locator(f'[data-region="calendar"] a[href="/posts/{name}"]').focus()
    await visitor.page.keyboard.press("Alt+ArrowRight")


async def test_what_a_move_means_is_shown_of_the_post_that_it_is_about(world: World, visitor: Visitor) -> None:
    page, (first, second) = visitor.page, await two_posts(world)
    await visitor.open("/calendar?view=month&date=2027-06-15")
    held = Held()
    await page.route("**/calendar/move?*", Turns(held.hold).take)
    await move_a_day_ahead(visitor, first)
    await held.has_answer.wait()
    await page.keyboard.press("Escape")
    await move_a_day_ahead(visitor, second)
    text = page.get_by_role("dialog").locator("[data-text]")
    await expect(text).to_have_text(second)

    async with page.expect_event("requestfinished", lambda request: first in request.url):
        held.let_go.set()
    await page.evaluate("fetch('/healthz')")  # by then the page has read what came before

    await expect(text).to_have_text(second)
    await page.unroute_all(behavior="wait")


async def test_a_move_that_is_answered_late_leaves_the_next_one_alone_and_is_itself_taken_back(
    world: World, visitor: Visitor
) -> None:
    page, (first, second) = visitor.page, await two_posts(world)
    await visitor.open("/calendar?view=month&date=2027-06-15")
    held = Held()
    await page.route("**/v1/posts/*", Turns(held.hold).take)
    await move_a_day_ahead(visitor, first)
    await expect(page.get_by_role("dialog").locator("[data-text]")).to_have_text(first)
    await page.keyboard.press("Enter")
    await held.has_answer.wait()
    await page.keyboard.press("Escape")
    await move_a_day_ahead(visitor, second)
    await expect(page.get_by_role("dialog").locator("[data-text]")).to_have_text(second)

    held.let_go.set()
    undo = page.get_by_role("button", name="Undo", include_hidden=True)
    await expect(undo).to_be_visible()

    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await undo.click()
    await expect(page.locator("#told")).to_contain_text("Back on")
    for name in (first, second):
        post = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]
        assert datetime.fromisoformat(post["publish_at"]) == DUE
    assert await revision_of(world, first) == 3
    await page.unroute_all(behavior="wait")


async def revision_of(world: World, name: str) -> int:
    """How often it has been accepted."""
    revision: int = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["revision"]
    return revision


async def test_a_selected_post_that_has_gone_meanwhile_does_not_stand_for_all(world: World, visitor: Visitor) -> None:
    page, name = visitor.page, a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=4_000_000))
    await visitor.open("/posts")
    await expect(page.locator("#live")).to_have_text("Live")
    await page.get_by_text("Change many posts").click()
    await page.locator(f'input[name=pick][data-post="{name}"]').check()
    await page.get_by_role("button", name="Look at them first").focus()
    await page.mouse.move(0, 0)
    await expect(page.locator("[data-many]")).to_have_text("Change the selected one")

    await world.api.call("DELETE", f"/v1/posts/{name}")
    await expect(page.locator("[data-many]")).to_have_text("Change many posts")
    await page.get_by_role("button", name="Look at them first").click()

    await expect(page.locator("#acts [role=alert]")).to_contain_text("Nothing is selected any more")
    await expect(page).to_have_url(re.compile("/posts$"))
