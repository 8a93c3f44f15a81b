"""`/tokens`: create one, see its secret once, sign in with it, revoke it."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_late_answers import Held
from tests.integration.console.world import World, a_name

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def create(newcomer: Visitor, name: str, scope: str) -> str:
    """The secret that the page shows."""
    page = newcomer.page
    await newcomer.open("/tokens")
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("radio", name=scope).check()
    await page.get_by_role("button", name="Create token").click()
    await expect(page.get_by_label("The token", exact=True)).to_have_value(re.compile("^tbl_.{43}$"))
    return await page.get_by_label("The token", exact=True).input_value()


async def test_a_secret_is_shown_once(world: World, newcomer: Visitor) -> None:
    name, page = a_name(), newcomer.page
    await newcomer.context.grant_permissions(["clipboard-read", "clipboard-write"])

    secret = await create(newcomer, name, "write")
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_text("Copied.")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    barriers = await newcomer.barriers()
    await page.get_by_role("button", name="I have it").click()

    assert copied == secret
    assert barriers == []
    assert await page.get_by_label("The token", exact=True).input_value() == ""
    await page.reload()
    assert secret not in await page.content()


async def test_a_revoked_token_signs_its_browser_out(world: World, newcomer: Visitor, another: Visitor) -> None:
    name = a_name()
    secret = await create(newcomer, name, "write")
    await another.sign_in(secret)
    await expect(another.page.get_by_role("contentinfo")).to_contain_text(f"Signed in as {name} (write)")
    await another.open("/tokens")
    await expect(another.page.get_by_role("heading")).to_have_text("Not for this token")

    card = newcomer.page.get_by_role("listitem").filter(has_text=name)
    await card.get_by_text("Revoke", exact=True).click()
    await card.get_by_role("button", name=f"Revoke {name}").click()
    await expect(newcomer.page.get_by_role("heading", name=name, exact=True)).to_have_count(0)

    await another.open("/posts")
    await another.page.wait_for_url("**/sign-in?then=/posts")


async def test_a_name_that_is_taken_is_said_and_the_form_stays(world: World, newcomer: Visitor) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/tokens", {"name": name})
    await newcomer.open("/tokens")
    await newcomer.page.get_by_label("Name").fill(name)
    await newcomer.page.get_by_role("button", name="Create token").click()

    await expect(newcomer.page.get_by_role("alert").filter(has_text="already")).to_be_visible()
    assert await newcomer.page.get_by_label("Name").input_value() == name
    newcomer.complaints.clear()  # the browser tells of the 409


async def test_signing_out_everywhere(world: World, newcomer: Visitor, another: Visitor) -> None:
    name = a_name()
    secret = (await world.api.call("POST", "/v1/tokens", {"name": name, "scope": "admin"}))["secret"]
    await another.sign_in(secret)
    await another.open("/tokens")

    await another.page.get_by_role("button", name="Sign out everywhere").click()

    await another.page.wait_for_url("**/sign-in")
    await newcomer.open("/")
    await expect(newcomer.page.get_by_role("contentinfo")).to_contain_text("Signed in as local (admin)")


async def test_two_clicks_make_one_token(newcomer: Visitor) -> None:
    page, held = newcomer.page, Held()
    await newcomer.open("/tokens")
    await page.get_by_label("Name").fill(a_name())
    await page.route("**/v1/tokens", held.hold)
    button = page.get_by_role("button", name="Create token")
    await button.click()
    await held.has_answer.wait()

    await expect(button).to_be_disabled()
    held.let_go.set()

    await expect(page.get_by_label("The token", exact=True)).to_have_value(re.compile("^tbl_"))
