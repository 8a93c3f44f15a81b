"""What is refused in a form is told by the labels of the form, and the field that is to blame has the focus."""

import pytest
from playwright.async_api import Locator, expect

from services.console.web.checking import MOST_MEDIA
from shared.events.base import MAX_TEXT_LENGTH
from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

TOO_LONG = "x" * (MAX_TEXT_LENGTH + 1)
PICTURE = "https://pictures.example/ball.jpg"


async def blamed(field: Locator) -> None:
    """Expect the field to be the one that is shown."""
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")


async def test_a_text_that_is_too_long_is_told_as_one_types_and_when_it_is_sent(visitor: Visitor) -> None:
    page, text = visitor.page, visitor.page.get_by_label("Text", exact=True)
    await visitor.open("/compose")
    await page.get_by_role("checkbox", name="plain").check()
    await text.fill(TOO_LONG)

    await expect(page.locator(".checked")).to_contain_text("Text: it has 100,001 characters, and at most 100,000")
    await page.get_by_role("button", name="Schedule").click()
    await expect(page.locator("form > [role=alert]")).to_contain_text("Text: at most 100,000 characters are possible")
    await blamed(text)
    await text.fill("short")
    await expect(page.locator(".checked")).to_have_text("")
    await expect(text).not_to_have_attribute("aria-invalid", "true")
    visitor.complaints.clear()  # the browser tells of the refusal too


async def test_whatever_the_console_cannot_read_of_a_post_is_told_as_one_types(visitor: Visitor) -> None:
    page, checked = visitor.page, visitor.page.locator(".checked")
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("Hello")
    await page.get_by_label("Time zone").fill("")

    await expect(checked).to_contain_text("Time zone: it must not be empty")
    await page.get_by_label("Time zone").fill("Europe/Berlin")
    await expect(checked).to_have_text("")

    await visitor.context.set_offline(True)
    await page.get_by_label("Text", exact=True).fill("Hello again")
    await expect(checked).to_contain_text("It cannot be checked now")
    visitor.complaints.clear()


async def test_the_second_picture_is_named_as_such(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("Two pictures")
    await page.get_by_role("checkbox", name="plain").check()
    for address in (PICTURE, "", "ball.jpg"):
        await page.get_by_role("button", name="Add a picture").click()
        await page.get_by_label("Address").last.fill(address)

    await page.get_by_role("button", name="Schedule").click()

    await expect(page.locator("form > [role=alert]")).to_contain_text("Picture 3, address: write an address")
    await blamed(page.get_by_label("Address").last)
    visitor.complaints.clear()


async def test_more_pictures_than_any_post_has_are_told_by_the_name_of_their_group(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    for _ in range(MOST_MEDIA + 1):
        await page.get_by_role("button", name="Add a picture").click()
        await page.get_by_label("Address").last.fill(PICTURE)

    await expect(page.locator(".checked")).to_contain_text("Pictures: there are 21, and at most 20 are possible")


async def test_what_is_missing_has_the_focus(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    await page.get_by_role("checkbox", name="plain").uncheck()

    await page.get_by_role("button", name="Schedule").click()

    await expect(page.get_by_role("group", name="Accounts").get_by_role("checkbox").first).to_be_focused()


async def test_a_time_that_is_past_is_told_by_its_label(world: World, visitor: Visitor) -> None:
    page = visitor.page
    await visitor.schedule_too_late()
    await expect(page.locator("form > [role=alert]")).to_contain_text("Date and time: 1 Jan 2020, 10:00:00 is ")
    await blamed(page.get_by_label("Date and time"))

    await world.api.call("POST", "/v1/posts", a_post(a_name()) | {"content": "about gentians"})
    await visitor.open("/posts?q=gentians")
    await page.get_by_text("Change many posts").click()
    await page.get_by_label("What").select_option("move")
    await page.get_by_role("spinbutton", name="Later by").fill("-30")
    await page.get_by_role("button", name="Look at them first").click()
    await expect(page.locator("#acts [role=alert]")).to_contain_text(
        "Later by: all of them (1) would then be due in the past"
    )
    await blamed(page.get_by_role("spinbutton", name="Later by"))
    await page.get_by_label("How").select_option("to")
    await page.get_by_label("The first at").fill("2020-01-01T10:00")
    await page.get_by_role("button", name="Look at them first").click()
    await expect(page.locator("#acts [role=alert]")).to_contain_text("The first at: 1 Jan 2020, 10:00:00 is past")
    await blamed(page.get_by_label("The first at"))
    visitor.complaints.clear()


async def test_a_name_that_no_token_has_is_told_by_its_label(visitor: Visitor) -> None:
    name = visitor.page.get_by_label("Name")
    await visitor.open("/tokens")
    await name.fill("..")
    await visitor.page.get_by_role("button", name="Create token").click()

    await expect(visitor.page.locator("#new-token [role=alert]")).to_contain_text("Name: ")
    await blamed(name)
    visitor.complaints.clear()
