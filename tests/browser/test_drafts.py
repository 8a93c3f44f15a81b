"""What is written is neither lost nor mixed up where the browser keeps nothing, or several tabs write at once."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.test_late_answers import Held
from tests.integration.console.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
DENIED = """
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
"""
LATER = "2031-05-05T09:00"


async def write(page: Page, text: str) -> None:
    """Write a post for a far day."""
    await page.get_by_label("Text", exact=True).fill(text)
    await page.get_by_role("checkbox", name="plain").check()
    await page.get_by_label("Date and time").fill(LATER)


async def schedule(page: Page) -> str:
    """Schedule it; the id of the post."""
    await page.get_by_role("button", name="Schedule").click()
    await page.wait_for_url("**/posts/post-*")
    return page.url.partition("?")[0].rpartition("/")[2]


@pytest.mark.parametrize("storage", [FULL, DENIED])
async def test_a_post_is_checked_and_sent_where_the_browser_keeps_nothing(visitor: Visitor, storage: str) -> None:
    page = visitor.page
    await page.add_init_script(storage)
    await visitor.open("/compose")
    await write(page, "Kept nowhere")

    await expect(page.locator('[data-region="previews"]')).to_contain_text("Kept nowhere")
    await schedule(page)
    await expect(page.locator(".content")).to_have_text("Kept nowhere")


@pytest.mark.parametrize("storage", [FULL, DENIED])
async def test_a_change_of_which_no_answer_comes_in_time_is_told_all_the_same(
    world: World, visitor: Visitor, storage: str
) -> None:
    page = visitor.page
    await page.add_init_script(storage)
    await visitor.open("/compose")
    await write(page, "Not answered")
    await schedule(page)
    pending = '{"accepted": [], "rejected": [], "pending": true, "cancelled": []}'
    await page.route("**/v1/posts/*", lambda route: route.fulfill(status=202, body=pending))

    await page.get_by_text("Cancel", exact=True).first.click()
    await page.locator("form[data-cancel] button[type=submit]").first.click()

    await expect(page.locator("#pending")).to_contain_text("has not been answered")


async def test_another_post_that_is_written_in_another_tab_takes_the_place_of_none(
    world: World, visitor: Visitor
) -> None:
    """The other tab began with the draft that has been sent from this one since."""
    page, other = visitor.page, await visitor.context.new_page()
    visitor.watch(other)
    await visitor.open("/compose")
    await write(page, "The first one")
    await other.goto(f"{visitor.base}/compose")
    await expect(other.get_by_label("Text", exact=True)).to_have_value("The first one")

    first = await schedule(page)
    await other.get_by_label("Text", exact=True).fill("The second one")
    await other.get_by_role("button", name="Schedule").click()
    await expect(other.get_by_role("alert")).to_contain_text("another tab")
    second = await schedule(other)

    assert first != second
    for post_id, text in ((first, "The first one"), (second, "The second one")):
        (post,) = (await world.api.call("GET", f"/v1/posts/{post_id}"))["accounts"]
        assert (post["content"], post["revision"]) == (text, 1)
    assert [one for one in visitor.complaints if "400" not in one] == []
    visitor.complaints.clear()


async def test_a_time_that_is_asked_for_is_in_the_zone_that_is_asked_for(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("A draft of before")
    await page.get_by_label("Time zone").fill("Asia/Tokyo")

    await visitor.open("/compose?at=2031-05-05T09:00:00&zone=America/New_York")

    await expect(page.get_by_label("Text", exact=True)).to_have_value("A draft of before")
    await expect(page.get_by_label("Time zone")).to_have_value("America/New_York")


async def test_an_answer_that_breaks_off_is_not_taken_for_one(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    await write(page, "Perhaps sent")
    await page.route("**/v1/posts", lambda route: route.fulfill(status=202, body='{"post_id": "a'))

    await page.get_by_role("button", name="Schedule").click()

    await expect(page.locator("#compose > [role=alert]")).to_contain_text("it is not known whether it was done")
    await page.reload()
    await expect(page.get_by_label("Text", exact=True)).to_have_value("Perhaps sent")


async def test_a_post_that_is_being_sent_is_not_written_on(visitor: Visitor) -> None:
    """What would be written by then would be neither in the post nor in a draft of another one."""
    page, held = visitor.page, Held()
    await visitor.open("/compose")
    await write(page, "As it is sent")
    await page.route("**/v1/posts", held.hold)
    await page.get_by_role("button", name="Schedule").click()
    await held.has_answer.wait()

    text = page.get_by_label("Text", exact=True)
    await text.evaluate("(field) => field.focus()")
    await page.keyboard.type("more")
    await expect(text).to_have_value("As it is sent")
    held.let_go.set()

    await page.wait_for_url("**/posts/post-*")
    await expect(page.locator(".content")).to_have_text("As it is sent")
    await visitor.open("/compose")
    await expect(page.get_by_label("Text", exact=True)).to_have_value("")
