"""Every page, in both schemes, on every size of screen: nothing complains, nothing is out of reach."""

from typing import Literal

import pytest

from tests.browser.conftest import SIZES, Visitor
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PAGES = (
    "/",
    "/calendar",
    "/calendar?view=week",
    "/calendar?view=day",
    "/posts",
    "/posts/{post}",
    "/compose",
    "/timers",
    "/accounts",
    "/queues",
    "/no-such-page",
)
MOST_BYTES = 60_000
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_within_everyones_reach(
    world: World, visitor: Visitor, path: str, scheme: Literal["light", "dark"]
) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, content=f"{LONG} שלום, كرة <script>alert(1)</script>"))
    await visitor.page.emulate_media(color_scheme=scheme)

    for size in SIZES:
        await visitor.resize(size)
        response = await visitor.page.goto(visitor.base + path.format(post=name))
        assert response
        assert len(await response.body()) <= MOST_BYTES
        assert not await visitor.is_wider_than_the_screen()
        assert await visitor.barriers() == []
    if path == "/no-such-page":
        visitor.complaints.clear()  # the browser tells that the page is not there
