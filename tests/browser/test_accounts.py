"""Accounts on the page: connected with a form, looked at, disconnected, and what is held for them retried."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post, connect

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


async def test_an_account_is_connected_once_its_faults_are_mended(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await visitor.open("/accounts")
    await page.get_by_role("link", name="Webhook").click()
    await page.get_by_role("button", name="Connect", exact=True).click()
    await expect(page.get_by_role("alert")).to_have_text("Give it a name.")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("URL").fill(f"{world.system.sink.url}/{name}")
    await page.get_by_label("Signing secret").fill("no such secret")

    await page.get_by_role("button", name="Connect", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("credentials.secret")
    await expect(page.get_by_label("Signing secret")).to_be_focused()
    await page.get_by_label("Signing secret").fill("whsec_dGhlIGJhbGwgZHJvcHMgYXQgb25lIG8nY2xvY2s=")
    visitor.complaints.clear()  # the browser tells of refusals too
    await page.get_by_role("button", name="Connect", exact=True).click()

    await page.wait_for_url(f"**/accounts/{name}")
    await expect(page.locator("article .state")).to_have_text("Connected")
    assert "whsec_" not in await page.content()
    assert (await world.api.call("GET", f"/v1/accounts/{name}"))["connected"]


async def test_an_account_is_disconnected_and_connected_again(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await connect(world.api, world.system, name)
    await visitor.open(f"/accounts/{name}")
    await page.get_by_role("link", name="Connect again").click()
    await expect(page.get_by_label("URL")).to_have_value(f"{world.system.sink.url}/{name}")
    await page.go_back()

    await page.locator("summary", has_text="Disconnect").click()
    await page.get_by_role("button", name="Disconnect this account").click()
    await expect(page.locator("article .state")).to_have_text("Not connected")
    await page.get_by_role("link", name="Connect", exact=True).click()
    await page.get_by_label("URL").fill(f"{world.system.sink.url}/{name}")
    await page.get_by_role("button", name="Connect", exact=True).click()

    await page.wait_for_url(f"**/accounts/{name}")
    await expect(page.locator("article .state")).to_have_text("Connected")
    assert (await world.api.call("GET", f"/v1/accounts/{name}"))["connected"]


async def test_all_that_is_held_is_retried(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await connect(world.api, world.system, name)
    for number in range(3):
        too_late = a_post(f"{name}-{number}", name, due_in=-30, late_policy={"mode": "hold", "grace_seconds": 0})
        await world.api.call("POST", "/v1/posts", too_late)
        await world.api.becomes(f"{name}-{number}", "held")
    await visitor.open(f"/accounts/{name}")
    await expect(page.locator('[data-region="held"] .row')).to_have_count(3)

    await page.get_by_role("button", name="Retry all that is held").click()

    await expect(page.locator('[data-region="past"] .row .state.is-good')).to_have_count(3)
    await expect(page.locator('[data-region="held"] .row')).to_have_count(0)
