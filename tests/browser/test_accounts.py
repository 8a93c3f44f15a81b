"""Accounts on the page: connected with a form, looked at, disconnected, and what is held for them retried."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from shared.clocks.clock import SystemClock
from tests.browser.conftest import Visitor
from tests.fakes.networks.x import XFake
from tests.integration.console.world import World, a_name, a_post, connect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


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
    await expect(page.get_by_role("alert")).to_contain_text("Signing secret: ")
    await expect(page.get_by_label("Signing secret")).to_be_focused()
    await page.get_by_label("Signing secret").fill("whsec_dGhlIGJhbGwgZHJvcHMgYXQgb25lIG8nY2xvY2s=")
    await page.get_by_text("Limits of your own").click()
    await page.get_by_label("per minute").focus()
    await page.keyboard.type("1e")
    await page.get_by_role("button", name="Connect", exact=True).click()
    await expect(page.get_by_role("alert")).to_have_text("per minute: write a number, or leave it empty.")
    await page.get_by_label("per minute").fill("")
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
    await expect(page.get_by_label("URL")).to_have_value(f"{world.system.sink.url}/{name}")
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
    await expect(page.locator("#told")).to_contain_text("3 tried again")
    await page.mouse.move(1, 1)  # a post on its way may come to lie under the pointer, and nothing moves there

    await expect(page.locator('[data-region="past"] .row .state.is-good')).to_have_count(3)
    await expect(page.locator('[data-region="held"] .row')).to_have_count(0)


async def test_how_much_of_its_limits_is_used_up_is_shown(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    limited = {"platform": "sandbox", "settings": {"url": f"{world.system.sink.url}/{name}"}, "limits": {"per_day": 2}}
    await world.api.call("PUT", f"/v1/accounts/{name}", limited)
    await page.clock.install()
    await visitor.open(f"/accounts/{name}")
    limits = page.get_by_role("region", name="Limits in use")
    await expect(limits).to_contain_text("0 of 2 in a day")

    for number in range(2):
        await world.api.call("POST", "/v1/posts", a_post(f"{name}-{number}", name, due_in=0))
        await world.api.becomes(f"{name}-{number}", "published")
    await expect(page.locator('[data-region="past"] .row')).to_have_count(2)
    await page.clock.fast_forward(10_000)  # as often as it asks at most

    await expect(limits).to_contain_text("2 of 2 in a day")
    await expect(limits).to_contain_text("The next post may start at")
    assert await visitor.barriers() == []


@pytest_asyncio.fixture(loop_scope="session")
async def network() -> AsyncIterator[XFake]:
    """A network with a sign-in of its own."""
    async with XFake(clock=SystemClock()).serving() as serving:
        yield serving


async def begin_to_sign_in(visitor: Visitor, network: XFake, name: str) -> None:
    page = visitor.page
    await visitor.open("/connect/x")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Server").fill(network.url)
    await page.get_by_label("Client id").first.fill("timeball-app")
    await page.get_by_label("Client secret").first.fill("app-s3cret")
    await page.get_by_role("button", name="Sign in at X").click()


async def test_whoever_signs_in_at_the_network_is_connected(world: World, visitor: Visitor, network: XFake) -> None:
    name, page = a_name(), visitor.page

    await begin_to_sign_in(visitor, network, name)

    await page.wait_for_url(f"**/accounts/{name}")
    await expect(page.locator("article .state")).to_have_text("Connected")
    asked = network.authority.asked[-1]
    assert asked["redirect_uri"] == f"{visitor.base}/connect/callback"
    assert (asked["code_challenge_method"], bool(asked["code_challenge"])) == ("S256", True)
    acts = (await world.api.call("GET", "/v1/audit"))["acts"]
    assert ("finish_sign_in", name) in [(one["act"], one["objects"][0]["id"]) for one in acts if one["objects"]]
    kept = b"".join(file.read_bytes() for file in world.system.folder.rglob("console.db*"))
    assert [secret for secret in ("app-s3cret", *network.authority.issued) if secret.encode() in kept] == []


async def test_whoever_says_no_is_told_and_can_begin_again(world: World, visitor: Visitor, network: XFake) -> None:
    name, page = a_name(), visitor.page
    network.authority.denies = True

    await begin_to_sign_in(visitor, network, name)

    await expect(page.get_by_role("alert")).to_contain_text("The person said no.")
    assert await visitor.barriers() == []
    visitor.complaints.clear()  # the browser tells of the refusal too
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value(name)


async def test_a_sign_in_is_good_once_and_for_its_own_browser(
    world: World, visitor: Visitor, another: Visitor, network: XFake
) -> None:
    name, page = a_name(), visitor.page
    await page.route("**/coming_back.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    await begin_to_sign_in(visitor, network, name)
    await expect(page.get_by_role("heading", name="Nearly connected")).to_be_visible()
    answer = page.url
    await page.unroute("**/coming_back.js")
    await another.sign_in(world.api.http.headers["authorization"].removeprefix("Bearer "))

    await another.page.goto(answer)
    await expect(another.page.get_by_role("alert")).to_contain_text("was not begun in this browser")
    await page.goto(answer)
    await page.wait_for_url(f"**/accounts/{name}")
    await page.goto(answer)

    await expect(page.get_by_role("alert")).to_contain_text("has been used")
    visitor.complaints.clear()  # the browser tells of the refusal too
