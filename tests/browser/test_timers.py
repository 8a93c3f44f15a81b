"""Timers on the page: fired by hand, and seen to have fired."""

import pytest
from playwright.async_api import expect

from shared.events.maintenance import JobFailed, JobStarted, JobSucceeded
from tests.browser.conftest import Visitor
from tests.integration.console.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_a_timer_is_fired_by_hand_and_the_page_shows_its_tick(visitor: Visitor) -> None:
    await visitor.open("/timers")
    timer = visitor.page.locator('[data-key="analytics.aggregate"]')
    await expect(timer).not_to_contain_text("by hand")

    await timer.get_by_role("button", name="Fire now").click()

    await expect(visitor.page.get_by_role("status").filter(has_text="analytics.aggregate has fired.")).to_be_visible()
    await expect(timer).to_contain_text("by hand")


async def test_a_tick_is_told_in_words_with_what_became_of_it(world: World, visitor: Visitor) -> None:
    page, bus = visitor.page, world.system.bus
    await visitor.open("/timers")
    timer = page.locator('[data-key="retention.purge"]')
    await expect(timer).to_contain_text("Europe/Berlin")
    await expect(timer).to_contain_text("in ")

    await timer.get_by_role("button", name="Fire now").click()
    fired = await bus.fact("timer.fired", timer="retention.purge", manual=True)
    run = {"job": "retention.purge", "service": "maintenance", "tick_at": fired.body["tick_at"], "manual": True}
    await bus.emit(JobStarted(**run, run_id="one"))
    await expect(timer).to_contain_text("still running")

    await bus.emit(JobFailed(**run, run_id="one", duration_ms=1234, error="ConnectError: no route to the network"))
    await expect(timer).to_contain_text("failed after 1.2 s")
    await expect(timer).to_contain_text("ConnectError: no route to the network")

    earlier = run | {"tick_at": "2026-01-01T00:00:00Z", "manual": False}
    await bus.emit(JobSucceeded(**earlier, run_id="another", duration_ms=3))
    await expect(timer.locator("li")).to_have_count(2)
    await timer.locator("summary", has_text="History").click()
    await expect(timer.get_by_role("listitem")).to_have_count(2)
    await expect(timer.get_by_role("listitem").last).to_contain_text("maintenance, 3.0 ms")
    assert await visitor.barriers() == []
