"""Import on the page: a file is reported on before anything is sent, and sent once."""

import json

import pytest
from playwright.async_api import expect

from tests.browser.conftest import SIZES, Visitor
from tests.integration.console.world import World, a_name

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

HEADER = "post_id,content,accounts,publish_at,zone\n"
TIME = "2099-03-28T09:00,Europe/Berlin"


async def test_a_file_with_faults_is_sent_without_them_and_its_posts_only_once(world: World, visitor: Visitor) -> None:
    good, bad, page = a_name(), a_name(), visitor.page
    table = f"{HEADER}{good},Hello,plain,{TIME}\n{bad},Hello,plain,tomorrow,\n"
    await visitor.open("/import")
    await page.get_by_label("File", exact=True).set_input_files(
        {"name": "p.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )

    plan, send = page.locator("#import-plan"), page.get_by_role("button", name="Send")
    await expect(plan).to_contain_text("1 post, 1 line with faults. Nothing was sent.")
    await expect(plan).to_contain_text("Line 3: ")
    await expect(send).to_be_disabled()
    assert (await world.api.call("GET", f"/v1/posts?q={good}"))["posts"] == []
    await page.get_by_label("Leave out the lines").check()
    for size in SIZES:
        await visitor.resize(size)
        assert not await visitor.is_wider_than_the_screen()
        assert await visitor.barriers() == []
    await send.dblclick()
    await expect(plan).to_contain_text("1 of 1: 1 scheduled, 0 unchanged, 0 not")
    await expect(send).to_be_disabled()

    await visitor.open("/import")
    await page.get_by_label("Or its text").fill(table.replace(f"{bad},Hello,plain,tomorrow,\n", ""))
    await page.get_by_role("button", name="Read it").click()
    await send.click()
    await expect(plan).to_contain_text("1 of 1: 0 scheduled, 1 unchanged, 0 not")
    assert (await world.api.call("GET", f"/v1/posts/{good}"))["accounts"][0]["revision"] == 1


async def test_what_is_there_and_differs_stays_unless_it_is_to_be_replaced(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/posts", a_far_post(name, "as it was"))
    await visitor.open("/import")
    await page.get_by_label("Or its text").fill(json.dumps(a_far_post(name, "as the file says")))
    plan, read, send = (
        page.locator("#import-plan"),
        page.get_by_role("button", name="Read it"),
        page.get_by_role("button", name="Send"),
    )

    await read.click()
    await send.click()
    await expect(plan).to_contain_text("is there already and differs")
    assert (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["content"] == "as it was"

    await read.click()
    await page.get_by_label("Replace posts").check()
    await send.click()
    await expect(plan).to_contain_text("1 of 1: 1 scheduled")
    assert (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["revision"] == 2


async def test_ten_thousand_posts_go_in_one_import(world: World, visitor: Visitor) -> None:
    prefix, page = a_name(), visitor.page
    table = HEADER + "".join(f"{prefix}-{number},Hello {number},plain,{TIME}\n" for number in range(10_000))
    await visitor.open("/import")
    await page.get_by_label("File", exact=True).set_input_files(
        {"name": "p.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )

    await page.get_by_role("button", name="Send").click()

    progress = page.locator("[data-progress]")
    await expect(progress).to_contain_text("10000 of 10000: 10000 scheduled, 0 unchanged, 0 not", timeout=200_000)


def a_far_post(name: str, content: str) -> dict[str, object]:
    return {
        "post_id": name,
        "content": content,
        "publish_at": "2099-03-28T09:00:00Z",
        "targets": [{"account_id": "plain"}],
    }
