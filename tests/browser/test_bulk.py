"""Acts on all that match, on the page: found, looked at, carried out before one's eyes."""

from functools import partial

import pytest
from playwright.async_api import expect

from tests.browser.conftest import SIZES, Visitor
from tests.browser.test_late_answers import Held
from tests.integration.console.world import World, a_name, a_post
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_all_that_match_are_moved_after_one_has_seen_how_many(world: World, visitor: Visitor) -> None:
    names, page = [a_name() for _ in range(3)], visitor.page
    for name in names:
        await world.api.call("POST", "/v1/posts", a_post(name) | {"content": "about marigolds"})
    await visitor.open("/posts?q=marigolds")
    await page.get_by_text("Change many posts").click()
    await page.get_by_label("What").select_option("move")
    await page.get_by_role("spinbutton", name="Later by").fill("")
    await page.get_by_role("button", name="Look at them first").click()
    await expect(page.locator("#acts :invalid")).to_be_focused()  # the browser asks for it
    await page.get_by_role("spinbutton", name="Later by").fill("-1")
    await page.get_by_label("Unit").select_option("minutes")
    assert await visitor.barriers() == []
    await page.get_by_role("button", name="Look at them first").click()

    await page.wait_for_url("**/bulk/*")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Move 3 posts")
    await expect(page.locator('[data-region="run"]')).to_contain_text("1 minute earlier")
    await expect(page.locator('[data-region="run"]')).to_contain_text("Nothing has been done yet")
    await expect(page.locator('[data-region="items"] .said')).to_have_text(["about marigolds"] * 3)
    await expect(page.locator('[data-region="items"] .where').first).to_contain_text("→")
    await page.get_by_role("button", name="Move all 3").click()
    await expect(page.locator('[data-region="run"]')).to_contain_text("3 of 3: 3 moved")
    await expect(page.locator('[data-region="run"]')).to_contain_text("Done")
    for size in SIZES:
        await visitor.resize(size)
        assert not await visitor.is_wider_than_the_screen()
    assert await visitor.barriers() == []
    for name in names:
        post = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]
        assert post["revision"] == 2

    await visitor.open("/bulk")
    await expect(page.locator('[data-region="runs"]')).to_contain_text("Move 3 posts")
    assert await visitor.barriers() == []


LEFT_EDGE = """(element) => {
    const range = document.createRange(), texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    range.selectNode(texts.nextNode());
    return Math.round(range.getBoundingClientRect().left);
}"""
"""Where the letters of an element begin; its box may be wider."""


async def test_texts_begin_where_their_column_does_in_either_direction_and_on_a_phone_so_does_what_became_of_them(
    world: World, visitor: Visitor
) -> None:
    page = visitor.page
    for content in ("hyacinth", "יקינתון hyacinth"):
        await world.api.call("POST", "/v1/posts", a_post(a_name()) | {"content": content})
    await visitor.open("/posts?q=hyacinth")
    said = page.locator(".row .said")
    assert len({await one.evaluate(LEFT_EDGE) for one in await said.all()}) == 1

    await page.get_by_text("Change many posts").click()
    await page.get_by_role("button", name="Look at them first").click()
    await page.wait_for_url("**/bulk/*")
    await visitor.resize("phone")
    await expect(said).to_have_count(2)
    texts = await page.locator(".row :is(.said, .how)").all()
    assert len({await one.evaluate(LEFT_EDGE) for one in texts}) == 1

    await page.get_by_role("link", name="Acts on many posts").click()
    await page.get_by_role("main").get_by_role("link", name="Posts", exact=True).click()
    await page.wait_for_url("**/posts")


async def test_what_was_found_can_be_left_as_it_is(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/posts", a_post(name) | {"content": "about peonies"})
    await visitor.open("/posts?q=peonies")
    await page.get_by_text("Change many posts").click()
    await page.get_by_role("button", name="Look at them first").click()
    await page.wait_for_url("**/bulk/*")

    await page.get_by_role("button", name="Leave it as it is").click()

    await page.wait_for_url("**/posts")
    assert (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["state"] == "scheduled"


async def test_what_is_selected_goes_on_when_the_tab_is_closed(world: World, visitor: Visitor) -> None:
    names, page = [a_name() for _ in range(3)], visitor.page
    for name in names:
        await world.api.call("POST", "/v1/posts", a_post(name) | {"content": "about anemones"})
    await visitor.open("/posts?q=anemones")
    await page.get_by_text("Change many posts").click()
    await expect(page.get_by_role("combobox", name="Which")).to_have_value("all")
    await page.get_by_label("Select all on this page").check()
    await page.get_by_label(f"Select {names[0]} on plain").uncheck()
    await expect(page.get_by_role("combobox", name="Which").locator("option:checked")).to_have_text("the 2 selected")
    await page.get_by_label("What").select_option("move")
    await page.get_by_label("How").select_option("to")
    await page.get_by_label("The first at").fill("2036-05-05T09:00:30")
    await page.get_by_label("Minutes apart").fill("1.5")
    assert await visitor.barriers() == []
    await page.get_by_role("button", name="Look at them first").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Move 2 posts")
    await expect(page.locator('[data-region="run"]')).to_contain_text("then one every 90 seconds")

    async with page.expect_response("**:start"):
        await page.get_by_role("button", name="Move all 2").click()
    await page.close()

    for name in names[1:]:
        await eventually(partial(_is_moved, world, name), what=f"{name} is moved")
    assert (await world.api.call("GET", f"/v1/posts/{names[0]}"))["accounts"][0]["revision"] == 1


async def _is_moved(world: World, name: str) -> bool:
    post = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]
    return post["publish_at"] in ("2036-05-05T07:00:30Z", "2036-05-05T07:02:00Z")


async def test_what_nobody_sees_keeps_nobody_from_going_on(world: World, visitor: Visitor) -> None:
    page, name = visitor.page, a_name()
    await world.api.call("POST", "/v1/posts", a_post(name))
    await visitor.open(f"/posts?q={name}")
    await page.get_by_text("Change many posts").click()
    await page.get_by_label("What").select_option("move")
    await page.get_by_role("spinbutton", name="Later by").fill("5000")  # more than can be
    await page.get_by_label("What").select_option("cancel")

    await page.get_by_role("button", name="Look at them first").click()

    await page.wait_for_url("**/bulk/*")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Cancel 1 post")


async def test_two_clicks_prepare_one_act(world: World, visitor: Visitor) -> None:
    page, name, held = visitor.page, a_name(), Held()
    await world.api.call("POST", "/v1/posts", a_post(name))
    await visitor.open(f"/posts?q={name}")
    await page.get_by_text("Change many posts").click()
    await page.route("**/v1/bulk", held.hold)
    button = page.get_by_role("button", name="Look at them first")
    await button.click()
    await held.has_answer.wait()

    await expect(button).to_be_disabled()
    held.let_go.set()

    await page.wait_for_url("**/bulk/*")
