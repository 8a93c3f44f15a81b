"""Who may only look sees everything, and nothing that they could not do is offered to them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import COLOURS, SIZES, Visitor
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

PAGES = ("/", "/calendar", "/posts", "/posts/{post}", "/compose", "/import", "/timers", "/accounts", "/accounts/plain",
         "/workspaces", "/statistics", "/queues", "/queues/scheduler.dead")  # fmt: skip
_OFFERED = """() => [...document.querySelectorAll('main form:is([data-call], [data-needs]) button')]
  .filter((button) => !button.matches(':disabled')).map((button) => button.outerHTML)"""
"""The buttons that send something."""


@pytest_asyncio.fixture(loop_scope="session")
async def reader(world: World, stranger: Visitor) -> AsyncIterator[Visitor]:
    """Somebody with a token that may only look."""
    token = await world.api.call("POST", "/v1/tokens", {"name": a_name(), "scope": "read"})
    await stranger.sign_in(token["secret"])
    await expect(stranger.page.get_by_role("contentinfo")).to_contain_text("Europe/Berlin")
    yield stranger
    assert stranger.complaints == []


async def test_nothing_is_offered_that_would_be_refused(world: World, reader: Visitor) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name))

    for path in PAGES:
        await reader.open(path.format(post=name))
        await expect(reader.page.get_by_role("note")).to_contain_text("has the scope read")
        assert await reader.page.evaluate(_OFFERED) == [], path
        await reader.page.emulate_media(color_scheme="light")
        assert await reader.barriers() == [], path
        await reader.page.emulate_media(color_scheme="dark")
        assert await reader.barriers(**COLOURS) == [], path
    await expect(reader.page.get_by_role("link", name="New post")).to_have_count(0)


async def test_a_post_can_be_looked_at_but_not_changed(world: World, reader: Visitor) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name))
    await reader.open(f"/posts/{name}")

    await reader.page.locator("summary", has_text="Cancel").click()
    cancel = reader.page.get_by_role("button", name="Cancel this post")

    await expect(cancel).to_be_disabled()
    reason = await reader.page.locator("fieldset", has=cancel).get_attribute("title")
    assert reason is not None
    assert "This needs a token with the scope write" in reason
    for size in SIZES:
        await reader.resize(size)
        assert not await reader.is_wider_than_the_screen()
