"""A page stays true, and keeps what is written on it, when an answer fails or an event comes at a bad moment."""

import re

import pytest
from playwright.async_api import Browser, Route, expect

from shared.events.base import ErrorDetail
from shared.events.publisher import PublishUnknown
from shared.events.scheduler import ScheduleAccepted
from tests.browser.conftest import Visitor, a_stranger, sign_in_by_link
from tests.browser.test_late_answers import Held, Turns
from tests.integration.console.world import World, a_name, a_post
from tests.support.system import in_seconds

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

REFUSED = {"status": 409, "detail": "not now", "code": "conflict"}


async def unavailable(route: Route) -> None:
    """The console is overloaded for a moment."""
    await route.fulfill(status=503, body="")


async def refused(route: Route) -> None:
    """The console says no."""
    await route.fulfill(status=409, json=REFUSED)


async def never(route: Route) -> None:
    """The network hangs."""


async def open_live(visitor: Visitor, path: str) -> None:
    """Open a page and wait until it hears of events, and has asked for itself once more for that reason."""
    async with visitor.page.expect_response(lambda answer: answer.request.resource_type == "xhr"):
        await visitor.open(path)
    await expect(visitor.page.locator("#live")).to_have_text("Live")


async def something_happens(world: World, name: str) -> None:
    """A post is accepted, for a time to come."""
    accepted = ScheduleAccepted(post_id=name, account_id="plain", revision=1, publish_at=in_seconds(2000), changed=True)
    await world.system.bus.emit(accepted)


async def test_what_could_not_be_asked_for_once_is_asked_for_again(world: World, visitor: Visitor) -> None:
    page, name = visitor.page, a_name()
    await open_live(visitor, "/posts")
    await page.route(page.url, Turns(unavailable).take)

    await something_happens(world, name)

    await expect(page.locator(".row", has_text=name)).to_be_visible()
    visitor.complaints.clear()  # of the 503


HASTE = """
const { set } = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "timeout");
Object.defineProperty(XMLHttpRequest.prototype, "timeout", { set(wait) { set.call(this, wait / 100); } });
"""
"""What takes a minute takes 0.6 seconds."""


async def test_what_is_never_answered_is_asked_for_again(world: World, visitor: Visitor) -> None:
    page, name = visitor.page, a_name()
    await page.add_init_script(HASTE)
    await open_live(visitor, "/posts")
    await page.route(page.url, Turns(never).take)

    await something_happens(world, name)

    await expect(page.locator(".row", has_text=name)).to_be_visible()


async def test_a_week_under_the_pointer_shows_what_came_meanwhile_once_the_pointer_has_left(
    world: World, visitor: Visitor
) -> None:
    page, name = visitor.page, a_name()
    await open_live(visitor, "/calendar?view=week&date=2027-03-03")
    await page.locator("#h9 td").first.hover()
    async with page.expect_response(page.url):
        await world.api.call("POST", "/v1/posts", a_post(name) | {"publish_at": "2027-03-03T09:00:00Z"})
    await page.evaluate("fetch('/healthz')")  # by then the page has read what came before

    await page.mouse.move(1, 1)

    await expect(page.locator(f'a[href="/posts/{name}"]')).to_be_visible()


async def test_what_is_pressed_cannot_be_pressed_again_until_it_is_answered_whatever_happens_meanwhile(
    world: World, visitor: Visitor
) -> None:
    page, held = visitor.page, Held()
    await open_live(visitor, "/timers")
    await page.route("**/v1/timers/*", Turns(held.hold).take)
    timer = page.locator('[data-key="analytics.aggregate"]')
    button = timer.get_by_role("button", name="Fire now")

    await button.click()
    await held.has_answer.wait()
    await expect(timer).to_contain_text("by hand")  # the page has been drawn anew

    await expect(button).to_be_disabled()
    held.let_go.set()
    await expect(button).to_be_enabled()


async def test_why_something_was_refused_stays_when_something_else_happens(world: World, visitor: Visitor) -> None:
    page = visitor.page
    await open_live(visitor, "/timers")
    await page.route("**/v1/timers/*", Turns(refused).take)
    timer, other = page.locator('[data-key="retention.purge"]'), page.locator('[data-key="token.refresh_check"]')
    await timer.get_by_role("button", name="Fire now").click()
    await expect(timer.get_by_role("alert")).to_have_text("Not now.")

    await world.api.call("POST", "/v1/timers/token.refresh_check:trigger")
    await expect(other).to_contain_text("by hand")

    await expect(timer.get_by_role("alert")).to_have_text("Not now.")
    visitor.complaints.clear()  # of the 409


async def test_whoever_is_signed_out_keeps_what_is_written_and_goes_on_once_signed_in_again(
    world: World, browser: Browser
) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=9000))
    async with a_stranger(world, browser) as one:
        await sign_in_by_link(world, one)
        await open_live(one, f"/posts/{name}")
        page, text = one.page, "What took an hour"
        await page.get_by_text("Edit or move").click()
        await page.locator("[name=content]").fill(text)
        await page.evaluate("fetch('/sign-out', {method: 'POST', redirect: 'manual'})")

        await something_happens(world, a_name())
        said = page.locator("#signed-out")
        await expect(said).to_be_visible()
        await expect(page.locator("[name=content]")).to_have_value(text)

        link = await world.api.call("POST", "/sign-in-links")
        await (await one.context.new_page()).goto(one.base + link["path"])
        await expect(said).to_be_hidden()
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".content").first).to_have_text(text)


async def test_whoever_is_signed_out_and_has_written_nothing_is_led_to_where_one_signs_in(
    world: World, browser: Browser
) -> None:
    async with a_stranger(world, browser) as one:
        await sign_in_by_link(world, one)
        await open_live(one, "/posts")

        await one.page.evaluate("fetch('/sign-out', {method: 'POST', redirect: 'manual'})")

        await one.page.wait_for_url(re.compile("/sign-in"))


async def test_whoever_is_signed_out_is_told_that_a_text_cannot_be_checked(world: World, browser: Browser) -> None:
    async with a_stranger(world, browser) as one:
        await sign_in_by_link(world, one)
        await one.open("/compose")
        await one.page.evaluate("fetch('/sign-out', {method: 'POST', redirect: 'manual'})")

        await one.page.get_by_label("Text", exact=True).fill("Who is there?")

        await expect(one.page.locator('[data-region="problems"]')).to_contain_text("It cannot be checked now")


async def test_a_text_that_is_being_written_keeps_the_focus_when_an_act_on_another_account_is_answered(
    world: World, visitor: Visitor
) -> None:
    page, name, held = visitor.page, a_name(), Held()
    await world.api.call("POST", "/v1/posts", a_post(name, "plain", "other", due_in=9000))
    await open_live(visitor, f"/posts/{name}")
    mine, other = page.locator('article[data-key="plain"]'), page.locator('article[data-key="other"]')
    await other.get_by_text("Cancel", exact=True).click()
    await page.route("**/v1/posts/*", Turns(held.hold).take)
    await other.locator("form[data-cancel] button[type=submit]").click()
    await held.has_answer.wait()
    await mine.get_by_text("Edit or move").click()
    text = mine.locator("[name=content]")
    await text.focus()

    held.let_go.set()
    await expect(page.locator("#told")).to_contain_text("Cancelled.")

    await expect(text).to_be_focused()


async def test_how_many_there_are_follows_what_happens(world: World, visitor: Visitor) -> None:
    await open_live(visitor, "/posts")
    views = visitor.page.get_by_role("list", name="Which posts")
    before = await views.inner_text()

    await something_happens(world, a_name())

    await expect(views).not_to_have_text(before, use_inner_text=True)


async def test_what_waits_for_a_decision_stands_out_as_soon_as_there_is_something(
    world: World, visitor: Visitor
) -> None:
    decisions = visitor.page.locator('[data-region="decisions"]')
    await open_live(visitor, "/")
    await expect(decisions).not_to_have_class("decide")
    reason = ErrorDetail(kind="unconfirmed", code="timeout", message="no answer")

    await world.system.bus.emit(
        PublishUnknown(post_id=a_name(), account_id="plain", revision=1, attempts=1, error=reason)
    )

    await expect(decisions).to_have_class("decide")
