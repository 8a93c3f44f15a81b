"""Import on the page: a file is reported on before anything is sent, and sent once."""

import json
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Route, expect

from tests.browser.conftest import SIZES, Visitor
from tests.integration.console.world import World, a_name

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

HEADER = "post_id,content,accounts,publish_at,zone\n"
TIME = "2099-03-28T09:00,Europe/Berlin"


async def choose(visitor: Visitor, content: bytes) -> None:
    await visitor.open("/import")
    file = FilePayload(name="spring posts.csv", mimeType="text/csv", buffer=content)
    await visitor.page.get_by_label("File", exact=True).set_input_files(file)
    await visitor.page.wait_for_url("**/import/*")


async def paste(visitor: Visitor, text: str) -> None:
    await visitor.open("/import")
    await visitor.page.get_by_label("Or its text").fill(text)
    await visitor.page.get_by_role("button", name="Read it").click()
    await visitor.page.wait_for_url("**/import/*")


async def test_a_file_with_faults_is_sent_without_them_and_its_posts_only_once(world: World, visitor: Visitor) -> None:
    good, bad, page = a_name(), a_name(), visitor.page
    table = f"{HEADER}{good},Hello,plain,{TIME}\n{bad},Hello,plain,tomorrow,\n"
    await choose(visitor, table.encode())

    plan, send = page.locator("#import-plan"), page.get_by_role("button", name="Send")
    await expect(page.get_by_role("heading", level=1)).to_have_text("spring posts.csv")
    await expect(plan).to_contain_text("1 post, 1 line with faults. Nothing was sent.")
    await expect(page.locator('[data-region="lines"]')).to_contain_text("Line 3")
    await expect(page.locator('[data-region="lines"]')).to_contain_text("'tomorrow' is no time")
    await send.click()
    assert (await world.api.call("GET", f"/v1/posts?q={good}"))["posts"] == []  # the browser asks for what is required
    await page.get_by_label("Leave out the lines").check()
    for size in SIZES:
        await visitor.resize(size)
        assert not await visitor.is_wider_than_the_screen()
        assert await visitor.barriers() == []
    await send.dblclick()
    await expect(plan).to_contain_text("1 of 1: 1 scheduled, 0 there already")
    await expect(plan).to_contain_text("Done")

    await paste(visitor, table.replace(f"{bad},Hello,plain,tomorrow,\n", ""))
    await send.click()
    await expect(plan).to_contain_text("1 of 1: 0 scheduled, 1 there already")
    assert (await world.api.call("GET", f"/v1/posts/{good}"))["accounts"][0]["revision"] == 1
    await visitor.open("/import")
    await expect(page.locator('[data-region="imports"]')).to_contain_text("spring posts.csv")


async def test_what_is_there_and_differs_stays_unless_it_is_to_be_replaced(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/posts", a_far_post(name, "as it was"))
    lines, send = page.locator('[data-region="lines"]'), page.get_by_role("button", name="Send")

    await paste(visitor, json.dumps(a_far_post(name, "as the file says")))
    await send.click()
    await expect(lines).to_contain_text("is there already and differs")
    await expect(lines).to_contain_text("Left alone")
    assert (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["content"] == "as it was"

    await paste(visitor, json.dumps(a_far_post(name, "as the file says")))
    await page.get_by_label("Replace posts").check()
    await send.click()
    await expect(page.locator("#import-plan")).to_contain_text("1 of 1: 1 scheduled")
    assert (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["revision"] == 2


async def test_a_guessed_encoding_and_posts_without_a_time_are_agreed_to_first(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await choose(visitor, f"{HEADER}{name},Grüße aus der Straße nach Köln,plain,,\n".encode("windows-1252"))

    plan = page.locator("#import-plan")
    await expect(plan).to_contain_text("read as windows-1252, which is a guess")
    await expect(plan.locator("q")).to_have_text("Grüße aus der Straße nach Köln")
    await page.get_by_label("The letters are right").check()
    await page.get_by_label("Publish the 1 post without a time now").check()
    assert await visitor.barriers() == []
    await page.get_by_role("button", name="Send").click()

    published = await world.api.becomes(name, "published")
    assert published["content"] == "Grüße aus der Straße nach Köln"


async def test_an_import_goes_on_when_its_tab_is_closed(world: World, visitor: Visitor) -> None:
    prefix = a_name()
    table = HEADER + "".join(f"{prefix}-{number},Hello {number},plain,{TIME}\n" for number in range(10_000))
    await choose(visitor, table.encode())
    await visitor.page.get_by_role("button", name="Send").click()
    await expect(visitor.page.get_by_role("button", name="Stop")).to_be_visible()
    address = visitor.page.url

    await visitor.page.goto("about:blank")
    await visitor.page.goto(address)

    await expect(visitor.page.locator("#import-plan")).to_contain_text(
        "10000 of 10000: 10000 scheduled, 0 there already", timeout=200_000
    )


def a_far_post(name: str, content: str) -> dict[str, object]:
    return {
        "post_id": name,
        "content": content,
        "publish_at": "2099-03-28T09:00:00Z",
        "targets": [{"account_id": "plain"}],
    }


async def refused(route: Route) -> None:
    """The console does not read it so."""
    await route.fulfill(status=400, json={"status": 400, "detail": "no"})


async def test_what_was_written_last_is_read_not_a_file_that_was_refused_before(visitor: Visitor) -> None:
    page, file = visitor.page, FilePayload(name="a.csv", mimeType="text/csv", buffer=b"of the file")
    await visitor.open("/import")
    await page.route("**/v1/imports*", refused)
    await page.get_by_label("File", exact=True).set_input_files(file)
    await expect(page.get_by_role("alert")).to_have_text("No.")
    await page.get_by_label("Or its text").fill("of the field")

    async with page.expect_request("**/v1/imports*") as asked:
        await page.get_by_role("button", name="Read it").click()

    assert (await asked.value).post_data == "of the field"
    visitor.complaints.clear()  # of the 400


DROP = """(words) => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([words], "dropped.csv"));
    const event = new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true});
    document.getElementById("import").dispatchEvent(event);
}"""


async def test_a_file_that_was_dropped_is_read_again_in_another_encoding(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/import")
    await page.route("**/v1/imports*", refused)
    await page.evaluate(DROP, "of what was dropped")
    await expect(page.get_by_role("alert")).to_have_text("No.")
    await page.locator("[name=encoding]").select_option(index=1)

    async with page.expect_request("**/v1/imports*") as asked:
        await page.get_by_role("button", name="Read it").click()

    assert (await asked.value).post_data == "of what was dropped"
    visitor.complaints.clear()  # of the 400


async def test_a_file_that_has_changed_since_it_was_chosen_is_asked_for_again(visitor: Visitor, tmp_path: Path) -> None:
    page, file = visitor.page, tmp_path / "posts.csv"
    file.write_text("as it was")
    await visitor.open("/import")
    await page.route("**/v1/imports*", refused)
    await page.get_by_label("File", exact=True).set_input_files(file)
    await expect(page.get_by_role("alert")).to_have_text("No.")
    file.write_text("as it is now")

    await page.get_by_role("button", name="Read it").click()

    await expect(page.get_by_role("alert")).to_contain_text("has changed since it was chosen")
    visitor.complaints.clear()  # of the 400
