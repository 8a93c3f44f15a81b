"""Statistics on the page: what goes out is counted before one's eyes, by day, account and network."""

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Visitor
from tests.fakes.sink import refuse
from tests.integration.console.world import World, a_name, a_post, connect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


def figure(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(f'[data-figure="{name}"]')


async def goes(world: World, state: str, account_id: str) -> None:
    name = a_name()
    if state == "failed":
        world.system.sink.will_answer(name, refuse(422, b"no such page"))
    await world.api.call("POST", "/v1/posts", a_post(name, account_id, due_in=0))
    await world.api.becomes(name, state)


async def test_what_goes_out_is_counted_before_ones_eyes(world: World, visitor: Visitor) -> None:
    await connect(world.api, world.system, "counted")
    await visitor.open("/statistics?account=counted")
    await expect(visitor.page.get_by_text("No post was due in these 30 days on what you chose")).to_be_visible()

    await goes(world, "published", "counted")
    await expect(figure(visitor, "Published")).to_have_text("1")
    await goes(world, "failed", "counted")
    await expect(figure(visitor, "Failed")).to_have_text("1")
    await goes(world, "published", "counted")

    await expect(figure(visitor, "Published")).to_have_text("2")
    row = visitor.page.get_by_role("region", name="Every account").get_by_role("row", name="counted")
    await expect(row.get_by_role("cell")).to_contain_text(["2", "1", "·", "·", "·", "ms", "ms", "ms"])


async def test_charts_say_what_they_show(world: World, visitor: Visitor) -> None:
    await connect(world.api, world.system, "drawn")
    await goes(world, "published", "drawn")
    await visitor.open("/statistics?days=7&account=drawn")

    chart = visitor.page.get_by_role("img", name="What became of the posts of each day")
    await expect(chart).to_have_accessible_description("The table below has the same figures.")
    await expect(chart.locator("svg > title")).to_contain_text("1 published")
    box = await chart.locator("rect").bounding_box()
    assert box is not None
    assert box["height"] > 100
    await visitor.page.get_by_text("As a table").first.click()
    table = visitor.page.get_by_role("region", name="Every day")
    await expect(table.get_by_role("row")).to_have_count(8)
    await expect(table.get_by_role("row").nth(1).get_by_role("cell").first).to_have_text("1")


async def test_a_network_without_such_posts_shows_none(world: World, visitor: Visitor) -> None:
    await goes(world, "published", "plain")
    await visitor.open("/statistics?network=sandbox&days=7")
    await expect(figure(visitor, "Published")).to_be_visible()

    await visitor.open("/statistics?network=mastodon&days=7")

    await expect(visitor.page.get_by_text("No post was due in these 7 days on what you chose")).to_be_visible()
    await visitor.page.get_by_role("link", name="Show all accounts").click()
    await expect(figure(visitor, "Published")).to_be_visible()


async def test_on_a_tablet_a_long_name_leaves_room_for_its_figures(world: World, visitor: Visitor) -> None:
    account = "donaudampfschifffahrtsgesellschaft-official-newsroom"
    await connect(world.api, world.system, account)
    await goes(world, "published", account)
    await visitor.resize("tablet")
    await visitor.open("/statistics")

    table = visitor.page.get_by_role("region", name="Every account")
    await expect(table).to_contain_text(account)
    assert await table.evaluate("(table) => table.scrollWidth <= table.clientWidth")
