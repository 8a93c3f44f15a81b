"""Timers on the page: fired by hand, and seen to have fired."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


async def test_a_timer_is_fired_by_hand_and_the_page_shows_its_tick(visitor: Visitor) -> None:
    await visitor.open("/timers")
    timer = visitor.page.locator('[data-key="analytics.aggregate"]')
    await expect(timer).not_to_contain_text("by hand")

    await timer.get_by_role("button", name="Fire now").click()

    await expect(visitor.page.get_by_role("status").filter(has_text="analytics.aggregate has fired.")).to_be_visible()
    await expect(timer).to_contain_text("by hand")
