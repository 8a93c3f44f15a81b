"""What is wrong stands first on the first page, with the way out."""

import pytest
from playwright.async_api import expect

from shared.events.maintenance import ServiceReported
from tests.browser.conftest import Visitor
from tests.integration.console.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_a_service_that_is_not_well_and_a_queue_without_consumers_stand_first(
    world: World, visitor: Visitor
) -> None:
    page = visitor.page
    await visitor.open("/")
    await expect(page.locator("#live")).to_have_text("Live")
    await expect(page.get_by_role("region", name="What is wrong")).to_have_count(0)

    full = {"database": "the disk is full"}
    unwell = ServiceReported(service="monitor", instance="a", problems=full, queues=("monitor.ticks",))
    await world.system.bus.emit(unwell)

    wrong = page.get_by_role("region", name="What is wrong")
    await expect(wrong).to_contain_text("The monitor says that it is not well")
    await expect(wrong).to_contain_text("database: the disk is full")
    assert await visitor.barriers() == []
    await wrong.get_by_role("link", name="Look").first.click()
    await expect(page.locator("#monitor")).to_be_in_viewport()


async def test_a_message_that_nobody_can_read_is_told_and_leads_to_where_it_rests(
    world: World, visitor: Visitor
) -> None:
    page = visitor.page
    await visitor.open("/")

    await world.system.bus.emit_raw(b"<i>no JSON</i>", "publish.retry_requested")

    wrong = page.get_by_role("article").filter(has_text="rests in publisher.dead")
    await expect(wrong).to_be_visible()
    await wrong.get_by_role("link", name="Look").click()
    await expect(page.get_by_role("heading", name="publisher.dead")).to_be_visible()


async def test_a_broker_that_is_away_is_said_with_the_reason(visitor: Visitor) -> None:
    state = 'event: state\ndata: {"broker": "away", "reason": "connection refused"}\n\n'
    stream = {"body": state, "content_type": "text/event-stream"}
    await visitor.page.route("**/live", lambda route: route.fulfill(**stream))

    await visitor.open("/timers")

    said = visitor.page.get_by_role("status").filter(has_text="The console hears nothing of the services")
    await expect(said).to_be_visible()
    await expect(said).to_contain_text("connection refused")
    assert await visitor.barriers() == []
