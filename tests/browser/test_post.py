"""`/posts/{id}`: what can be changed, what happens where two change the same, what is not answered yet."""

import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from shared.events.publisher import AccountConnected, AccountDisconnected
from shared.events.rules import OptionRule, PostRules
from tests.browser.conftest import SIZES, Visitor
from tests.fakes.sink import refuse
from tests.integration.console.world import World, a_name, a_post, connect
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

BALL = {"url": "https://pictures.example/ball.jpg", "alt": "A red ball"}
RULES = PostRules(options=(OptionRule(name="visibility", choices=("public", "unlisted")),), other_options=False)


async def scheduled(world: World, visitor: Visitor, *account_ids: str, **more: Any) -> str:
    """A post, with its page open."""
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, *account_ids, due_in=5_000_000, **more))
    await visitor.open(f"/posts/{name}")
    await expect(visitor.page.locator("#live")).to_have_text("Live")
    return name


async def shown(world: World, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]
    return found


def conflict(visitor: Visitor) -> Locator:
    return visitor.page.locator("details[open] [data-theirs]")


@asynccontextmanager
async def silent(world: World, service: str) -> AsyncIterator[None]:
    """A service that does not answer for a while."""
    process = next(one for one in world.system.processes if one.name.startswith(service)).process
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def test_pictures_and_options_are_edited_and_what_is_not_touched_stays(world: World, visitor: Visitor) -> None:
    await world.system.bus.emit(AccountConnected(account_id="choosy", platform="sandbox", rules=RULES))
    await eventually(lambda: _is_known(world, "choosy"), what="the account is known")
    name, page = await scheduled(world, visitor, "choosy", media=[BALL]), visitor.page

    await page.get_by_text("Edit or move").click()
    await page.get_by_label("What it shows").fill("A red ball on a mast")
    await page.get_by_role("button", name="Add a picture").click()
    await page.get_by_label("Address").nth(1).fill("https://pictures.example/clock.jpg")
    await page.get_by_label("visibility").select_option("unlisted")
    for size in SIZES:
        await visitor.resize(size)
        assert not await visitor.is_wider_than_the_screen()
    assert await visitor.barriers() == []
    await page.get_by_role("button", name="Save").click()

    await expect(page.locator(".media")).to_contain_text("A red ball on a mast")
    post = await shown(world, name)
    assert post["media"] == [BALL | {"alt": "A red ball on a mast"}, {"url": "https://pictures.example/clock.jpg"}]
    assert (post["options"], post["content"], post["revision"]) == ({"visibility": "unlisted"}, "The ball drops.", 2)
    await world.system.bus.emit(AccountDisconnected(account_id="choosy", platform="sandbox"))


async def _is_known(world: World, account_id: str) -> bool:
    listed = (await world.api.call("GET", "/v1/accounts"))["accounts"]
    return account_id in [one["account_id"] for one in listed]


async def test_what_another_has_changed_is_shown_beside_ones_own_and_one_chooses(
    world: World, visitor: Visitor
) -> None:
    name, page = await scheduled(world, visitor), visitor.page
    await page.get_by_text("Edit or move").click()
    text = page.locator("[name=content]")
    await text.fill("Mine")

    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Theirs", "media": [BALL]})

    await expect(conflict(visitor)).to_contain_text("Somebody has changed it meanwhile: it is at revision 2")
    await expect(conflict(visitor)).to_contain_text("Theirs")
    await expect(text).to_have_value("Mine")
    await expect(page.get_by_label("Address")).to_have_value(BALL["url"])  # not touched: it follows theirs
    assert await visitor.barriers() == []

    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".content").first).to_have_text("Mine")
    post = await shown(world, name)
    assert (post["content"], post["media"], post["revision"]) == ("Mine", [BALL], 3)


async def test_the_text_of_another_can_be_taken_over(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, visitor), visitor.page
    await page.get_by_text("Edit or move").click()
    await page.locator("[name=content]").fill("Mine")
    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Theirs"})

    await page.get_by_role("button", name="Use their text").click()

    await expect(page.locator("[name=content]")).to_have_value("Theirs")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert").filter(has_text="Nothing is changed.")).to_be_visible()


async def test_a_change_that_the_page_has_not_heard_of_is_not_overwritten(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, visitor), visitor.page
    await page.get_by_role("button", name="Live").click()  # paused
    await page.get_by_text("Edit or move").click()
    await page.locator("[name=content]").fill("Mine")
    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Theirs"})

    await page.get_by_role("button", name="Save").click()

    await expect(conflict(visitor)).to_contain_text("Theirs")
    assert (await shown(world, name))["content"] == "Theirs"


async def test_what_was_changed_meanwhile_is_cancelled_only_once_it_was_seen(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, visitor), visitor.page
    await page.locator("summary", has_text="Cancel").click()

    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Theirs"})
    await expect(conflict(visitor)).to_contain_text("cancel it again, and it is cancelled as it is now")
    await expect(conflict(visitor)).to_contain_text("Theirs")
    await page.get_by_role("button", name="Cancel this post").click()

    await expect(page.locator("article .state")).to_have_text("Cancelled")


async def test_what_one_was_writing_stays_when_the_post_is_cancelled_below_it(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, visitor), visitor.page
    await page.get_by_text("Edit or move").click()
    await page.locator("[name=content]").fill("Mine")

    await world.api.call("DELETE", f"/v1/posts/{name}")

    await expect(conflict(visitor)).to_contain_text("Meanwhile it is: Cancelled.")
    await expect(page.locator("[name=content]")).to_have_value("Mine")
    await expect(page.get_by_role("button", name="Save")).to_be_hidden()


async def test_a_post_is_changed_on_all_its_accounts_at_once(world: World, visitor: Visitor) -> None:
    await connect(world.api, world.system, "other")
    name, page = await scheduled(world, visitor, "plain", "other"), visitor.page
    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Otherwise.", "account_ids": ["other"]})
    whole = page.locator('article[data-key="every account"]')
    await expect(whole.locator("[name=content]")).to_have_value("")  # it differs

    await whole.get_by_text("Edit or move all").click()
    await whole.get_by_label("Time in Europe/Berlin").fill("2099-07-01T09:30:15")
    assert await visitor.barriers() == []
    await whole.get_by_role("button", name="Save").click()

    await expect(page.get_by_text("Changed: revision 2")).to_have_count(2)
    await expect(page.get_by_text("Changed: revision 3")).to_have_count(1)
    accounts = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]
    assert [one["content"] for one in accounts] == ["Otherwise.", "The ball drops."]
    assert {one["publish_at"] for one in accounts} == {"2099-07-01T07:30:15Z"}

    await whole.locator("summary", has_text="Cancel").click()
    await whole.get_by_role("button", name="Cancel all of them").click()
    await expect(page.locator("article .state")).to_have_text(["Cancelled", "Cancelled"])
    await expect(whole).to_have_count(0)


async def test_what_was_closed_unsaved_is_there_again_and_can_be_saved(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, visitor), visitor.page
    await page.get_by_text("Edit or move").click()
    await page.locator("[name=content]").fill("Mine")
    await page.get_by_text("Edit or move").click()
    await world.api.call("PATCH", f"/v1/posts/{name}", {"media": [BALL]})
    await expect(page.locator("article .facts")).to_contain_text("2")

    await page.get_by_text("Edit or move").click()
    await expect(page.locator("[name=content]")).to_have_value("Mine")
    await expect(conflict(visitor)).to_contain_text("yours is added to it")
    await page.get_by_role("button", name="Save").click()

    await expect(page.locator(".content").first).to_have_text("Mine")
    assert (await shown(world, name))["media"] == [BALL]


async def test_an_edit_is_judged_as_it_is_written(world: World, visitor: Visitor) -> None:
    _, page = await scheduled(world, visitor), visitor.page
    await page.get_by_text("Edit or move").click()

    await page.get_by_label("Time in Europe/Berlin").fill("2099-03-29T02:30")
    await page.get_by_role("button", name="Add a picture").click()
    await page.get_by_label("Address").fill("pictures.example/ball.jpg")

    await expect(page.locator(".times")).to_contain_text("The clocks skip 02:30 on this day")
    await expect(page.locator(".checked")).to_contain_text("Picture 1, address: ")
    await page.get_by_text("How it will look").click()
    await expect(page.locator(".preview .text")).to_have_text("The ball drops.")
    assert await visitor.barriers() == []


async def test_a_failed_post_is_mended_and_goes_out_with_its_dead_letter_beside_it(
    world: World, visitor: Visitor
) -> None:
    name, page = a_name(), visitor.page
    world.system.sink.will_answer(name, refuse(422, b"too rude"))
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "failed")
    await visitor.open(f"/posts/{name}")
    await expect(page.get_by_role("region", name="Dead letters on plain")).to_contain_text("too rude")
    assert await visitor.barriers() == []

    await page.get_by_text("Edit or move").click()
    await page.locator("[name=content]").fill("Politely")
    await page.get_by_role("button", name="Save and publish now").click()

    await expect(page.locator("article .state")).to_have_text("Published")
    await expect(page.locator("article .content").first).to_have_text("Politely")


async def test_what_is_not_answered_stands_as_pending_until_it_is_true(world: World, visitor: Visitor) -> None:
    _, page = await scheduled(world, visitor), visitor.page
    pending = page.locator("#pending p")
    async with silent(world, "scheduler"):
        await page.get_by_text("Edit or move").click()
        await page.locator("[name=content]").fill("Later")
        await page.get_by_role("button", name="Save").click()

        await expect(pending).to_contain_text("plain: asked for, but not changed yet")
        await page.reload()
        await expect(pending).to_have_count(1)
        await expect(page.locator(".content").first).to_have_text("The ball drops.")

    await expect(page.locator(".content").first).to_have_text("Later")
    await expect(pending).to_have_count(0)


async def test_a_new_post_that_is_not_answered_waits_on_its_page(world: World, visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("Patience")
    await page.get_by_role("checkbox", name="plain").check()
    async with silent(world, "scheduler"):
        await page.get_by_role("button", name="Schedule").click()
        await page.wait_for_url("**/posts/post-*")
        await expect(page.locator(".empty")).to_contain_text("is not answered yet")

    await expect(page.locator(".content").first).to_have_text("Patience")
    await expect(page).not_to_have_url(re.compile("sent="))
