"""Alerts on the page: they come while one looks, with the command to run, and stand among what was wrong afterwards."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from shared.events.maintenance import AlertRaised
from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


def an_alert(network: str) -> AlertRaised:
    return AlertRaised(
        severity="critical",
        code="posts_failing",
        subject=network,
        message=f"3 posts failed on {network}. See `timeball status post-1`",
        since=datetime.now(UTC),
    )


async def test_an_alert_comes_and_goes_while_one_looks(world: World, visitor: Visitor) -> None:
    page, alert = visitor.page, an_alert(a_name())
    await visitor.open("/")
    await expect(page.locator("#live")).to_have_text("Live")

    await world.system.bus.emit(alert)
    card = page.get_by_role("region", name="What is wrong").get_by_role("article").filter(has_text=alert.subject)
    await expect(card.get_by_role("heading")).to_have_text(f"Posts fail on {alert.subject}")
    await expect(card.locator("code")).to_have_text("timeball status post-1")
    await world.system.bus.emit(alert.model_copy(update={"state": "resolved", "severity": "info"}))

    await expect(card).to_have_count(0)


async def test_what_is_over_moves_to_what_was_wrong(world: World, visitor: Visitor) -> None:
    page, alert = visitor.page, an_alert(a_name())
    await visitor.open("/")
    await page.get_by_role("link", name="Alerts", exact=True).click()
    wrong, over = (page.get_by_role("region", name=f"What {word} wrong") for word in ("is", "was"))
    await expect(page.locator("#live")).to_have_text("Live")

    await world.system.bus.emit(alert)
    await expect(wrong.get_by_role("listitem").filter(has_text=alert.subject)).to_contain_text("Critical")
    await world.system.bus.emit(alert.model_copy(update={"state": "resolved", "severity": "info"}))

    await expect(over.get_by_role("listitem").filter(has_text=alert.subject)).to_contain_text("until")
    await expect(wrong.get_by_role("listitem").filter(has_text=alert.subject)).to_have_count(0)
