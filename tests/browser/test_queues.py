"""Dead letters on the page: looked at, and sent back or dropped."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor
from tests.integration.console.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


async def test_a_message_that_nobody_can_read_is_shown_with_its_reason_and_dropped(
    world: World, visitor: Visitor
) -> None:
    page = visitor.page
    await visitor.open("/queues")
    await expect(page.get_by_text("Nothing rests: every message has been handled.")).to_be_visible()

    await world.system.bus.emit_raw(b"<i>no JSON</i>", "publish.retry_requested")

    letter = page.locator("article", has_text="publisher")
    await expect(letter).to_contain_text("publish.retry_requested")
    await letter.locator("summary", has_text="Drop").click()
    await letter.get_by_role("button", name="Drop this message").click()
    await expect(letter).to_have_count(0)
