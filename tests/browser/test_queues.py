"""Queues and dead letters on the page: how full, looked at, sent back or dropped; everything told anew."""

import pytest
from playwright.async_api import Locator, expect

from shared.events.maintenance import ServiceReported
from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

UNREADABLE = b"<i>no JSON</i>"


async def a_letter(world: World, visitor: Visitor, count: int = 1) -> Locator:
    """Dead letters of the publisher, on its page."""
    await visitor.open("/queues/publisher.dead")
    for _ in range(count):
        await world.system.bus.emit_raw(UNREADABLE, "publish.retry_requested")
    letters = visitor.page.locator("article", has_text="publish.retry_requested")
    await expect(letters).to_have_count(count)
    return letters


async def test_a_message_that_nobody_can_read_is_shown_with_its_reason_and_dropped(
    world: World, visitor: Visitor
) -> None:
    page = visitor.page
    await visitor.open("/queues")
    await expect(page.get_by_text("Nothing rests: every message has been handled.")).to_be_visible()

    await world.system.bus.emit_raw(UNREADABLE, "publish.retry_requested")

    letter = page.locator("article", has_text="publisher")
    await expect(letter).to_contain_text("publish.retry_requested")
    await letter.locator("summary", has_text="Drop").click()
    await letter.get_by_role("button", name="Drop this message").click()
    await expect(letter).to_have_count(0)


async def test_each_service_is_shown_with_its_processes_queues_and_consumers(world: World, visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/queues")

    await world.system.bus.emit(ServiceReported(service="scheduler", instance="here", queues=("scheduler.requests",)))

    scheduler = page.locator('[data-key="scheduler"]')
    await expect(scheduler).to_contain_text("process")
    await expect(scheduler.locator('[data-key="scheduler.requests"] td')).to_have_text(["0", "1"])
    await expect(page.locator('[data-key="maintenance"]')).to_contain_text("Not heard of yet")


async def test_a_dead_letter_is_sent_back_to_its_queue(world: World, visitor: Visitor) -> None:
    letter = await a_letter(world, visitor)

    await letter.get_by_role("button", name="Replay").click()

    await expect(letter).to_contain_text("replayed 1 time")  # nobody can read it the second time either
    await letter.locator("summary", has_text="Drop").click()
    await letter.get_by_role("button", name="Drop this message").click()
    await expect(letter).to_have_count(0)


async def test_those_selected_are_dropped_then_all_the_others(world: World, visitor: Visitor) -> None:
    letters, page = await a_letter(world, visitor, 3), visitor.page
    await page.get_by_role("button", name="Replay selected").click()
    await expect(page.get_by_role("status").filter(has_text="Select messages first.")).to_be_visible()  # none, not all

    await letters.first.get_by_role("checkbox").check()
    await page.locator("summary", has_text="Drop selected").click()
    await page.get_by_role("button", name="Drop those selected").click()
    await expect(letters).to_have_count(2)

    await page.locator("summary", has_text="All as of").click()
    await page.get_by_role("button", name="Drop all").click()
    await expect(letters).to_have_count(0)
    await expect(page.locator("summary", has_text="All as of")).to_have_count(0)


async def test_everything_is_told_anew_at_the_press_of_a_button(world: World, visitor: Visitor) -> None:
    await world.system.start("monitor")
    await world.system.start("maintenance")
    await world.api.call("POST", "/v1/posts", a_post(a_name()))
    page = visitor.page
    await visitor.open("/queues")
    await page.locator("summary", has_text="Rebuild").click()

    await page.get_by_role("button", name="Have everything told anew").click()

    said = page.locator("#rebuilt")
    await expect(said).to_contain_text(
        "monitor has told of 0 things; publisher has told of 1 thing; scheduler has told of"
    )
    await expect(said).to_contain_text("maintenance has told of")
