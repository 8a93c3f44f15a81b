"""`/compose`: what the networks say as one types, how it will look, when it will go out, and that nothing is lost."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from shared.events.base import ErrorDetail
from shared.events.publisher import AccountConnected, AccountDisconnected, AccountRefreshFailed
from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule
from tests.browser.conftest import SIZES, Visitor
from tests.integration.console.world import World
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

SHORT = PostRules(text=TextRule(most=20, counted_in="graphemes"))
MASTODON = PostRules(
    text=TextRule(most=500, counted_in="graphemes", link_length=23, with_option="spoiler_text"),
    media=MediaRule(most=4),
    options=(OptionRule(name="spoiler_text"), OptionRule(name="visibility", choices=("public", "unlisted"))),
    other_options=False,
)


@asynccontextmanager
async def connected(world: World, account_id: str, platform: str, rules: PostRules) -> AsyncIterator[None]:
    """An account for the time of a test."""
    await world.system.bus.emit(AccountConnected(account_id=account_id, platform=platform, rules=rules))
    await eventually(lambda: _is_listed(world, account_id), what="the account is known")
    yield
    await world.system.bus.emit(AccountDisconnected(account_id=account_id, platform=platform))


async def _is_listed(world: World, account_id: str) -> bool:
    listed = (await world.api.call("GET", "/v1/accounts"))["accounts"]
    return account_id in [one["account_id"] for one in listed]


async def test_a_post_is_written_and_goes_out_before_ones_eyes(world: World, visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("Written on the page <b>by hand</b>")
    await page.get_by_role("checkbox", name="plain").check()
    await page.get_by_label("Date and time").fill("")
    await page.get_by_role("button", name="Schedule").click()

    await page.wait_for_url("**/posts/post-*")
    await expect(page.locator(".content")).to_have_text("Written on the page <b>by hand</b>")
    await expect(page.locator("article .state")).to_have_text("Published")


async def test_what_the_scheduler_refuses_is_told_and_the_text_is_kept(world: World, visitor: Visitor) -> None:
    page = visitor.page
    await visitor.schedule_too_late()

    await expect(page.get_by_role("alert")).to_contain_text("choose a time to come")
    await page.reload()
    await expect(page.get_by_label("Text", exact=True)).to_have_value("Too late")
    visitor.complaints.clear()  # the browser tells of the refusal too


async def test_what_is_missing_is_said_in_the_words_of_the_page_and_nothing_is_sent(visitor: Visitor) -> None:
    page, alert = visitor.page, visitor.page.locator("form > [role=alert]")
    await visitor.open("/compose")
    schedule = page.get_by_role("button", name="Schedule")
    await page.get_by_role("checkbox", name="plain").check()
    await schedule.click()
    await expect(alert).to_have_text("Write a text, or add a picture.")

    await page.get_by_label("Text", exact=True).fill("Every week")
    await page.get_by_label("Repeat").select_option("every week")
    for number in ("", "500"):
        await page.get_by_label("How often in all").fill(number)
        await schedule.click()
        await expect(alert).to_have_text("How often in all: write a number from 2 to 100.")

    await page.get_by_label("How often in all").fill("3")
    await page.get_by_label("Date and time").fill("")
    await schedule.click()
    await expect(alert).to_have_text("Choose the first time of those that repeat.")


async def test_half_a_time_is_not_taken_for_none(visitor: Visitor) -> None:
    """Without a time a post is published at once."""
    page, alert = visitor.page, visitor.page.locator("#compose > [role=alert]")
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("Next year")
    await page.get_by_role("checkbox", name="plain").check()
    await page.get_by_label("Date and time").fill("")
    await page.get_by_label("Date and time").focus()
    await page.keyboard.type("12242030")

    await page.get_by_role("button", name="Schedule").click()

    await expect(alert).to_have_text("Date and time: complete it, or leave it empty to publish at once.")
    await expect(page).to_have_url(re.compile("/compose$"))


async def test_an_account_that_must_be_connected_again_is_told_before_its_posts_are_held(
    world: World, visitor: Visitor
) -> None:
    page = visitor.page
    async with connected(world, "expired", "sandbox", PostRules()):
        error = ErrorDetail(kind="unauthorized", code="401", message="the token was revoked")
        refused = AccountRefreshFailed(account_id="expired", platform="sandbox", error=error, needs_reconnect=True)
        await world.system.bus.emit(refused)
        await eventually(lambda: _needs_reconnect(world, "expired"), what="the console knows it")
        await visitor.open("/compose")

        await page.get_by_role("checkbox", name="expired Sandbox, to be connected again").check()

        await expect(page.locator(".checked")).to_contain_text("expired: its network takes nothing until")


async def _needs_reconnect(world: World, account_id: str) -> bool:
    listed = (await world.api.call("GET", "/v1/accounts"))["accounts"]
    return any(one["needs_reconnect"] for one in listed if one["account_id"] == account_id)


async def test_a_text_is_counted_and_judged_as_it_is_written(world: World, visitor: Visitor) -> None:
    page = visitor.page
    async with connected(world, "short", "sandbox", SHORT):
        await visitor.open("/compose")
        await page.get_by_role("checkbox", name="short").check()

        await page.get_by_label("Text", exact=True).fill("👩‍👩‍👧 five words fit")
        await expect(page.locator('[data-count="short"]')).to_have_text("16 of 20")
        await expect(page.locator(".checked")).to_be_empty()

        await page.get_by_label("Text", exact=True).fill("too long for this account by far")
        await expect(page.locator('[data-count="short"] .is-over')).to_have_text("32 of 20")
        await expect(page.locator(".checked")).to_contain_text("short: ")
        await expect(page.locator(".preview del")).to_have_text("count by far")


async def test_one_sees_how_it_will_look_and_what_an_option_changes(world: World, visitor: Visitor) -> None:
    page = visitor.page
    async with connected(world, "toots", "mastodon", MASTODON):
        await visitor.open("/compose")
        await page.get_by_role("checkbox", name="toots").check()
        await page.get_by_label("Text", exact=True).fill("<b>Noon</b> #time https://timeball.com/one")
        preview = page.get_by_role("article", name="On toots")
        await expect(preview.locator(".mark-tag")).to_have_text("#time")
        await expect(preview.locator(".mark-link")).to_have_text("https://timeball.com/one")
        await expect(page.locator('[data-count="toots"]')).to_have_text("41 of 500")

        await page.get_by_role("listitem").filter(has_text="toots").get_by_text("Another text, options").click()
        await page.get_by_label("spoiler text").fill("A ball")
        await page.get_by_role("button", name="Add a picture").click()
        await page.get_by_label("Address").fill("https://pictures.example/ball.jpg")

        await expect(preview.locator(".warning")).to_contain_text("A ball")
        await expect(preview.locator(".gallery li")).to_contain_text("not described")
        await expect(page.locator('[data-count="toots"]')).to_have_text("47 of 500")
        for size in SIZES:
            await visitor.resize(size)
            assert not await visitor.is_wider_than_the_screen()
        assert await visitor.barriers() == []


async def test_clocks_that_skip_a_time_are_told_and_nothing_is_lost_by_a_reload(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("Every Sunday")
    await page.get_by_label("Date and time").fill("2027-03-21T02:30")
    await page.get_by_label("Repeat").select_option("every week")
    await page.get_by_label("How often in all").fill("3")
    await page.get_by_role("button", name="Add a picture").click()
    await page.get_by_label("Address").fill("https://pictures.example/ball.jpg")

    times = page.locator(".times li")
    await expect(times).to_have_count(3)
    await expect(times.nth(1)).to_contain_text("Sun 28 Mar 2027, 03:00 CEST (UTC+02:00)")
    await expect(times.nth(1)).to_contain_text("The clocks skip 02:30 on this day")
    await page.get_by_label("Time zone").fill("America/New_York")
    await expect(times.first).to_contain_text("Sun 21 Mar 2027, 07:30 CET (UTC+01:00) in Europe/Berlin")

    await page.reload()

    await expect(page.get_by_label("Text", exact=True)).to_have_value("Every Sunday")
    await expect(page.get_by_label("Address")).to_have_value("https://pictures.example/ball.jpg")
    await expect(times).to_have_count(3)
    await page.get_by_role("button", name="Start over").click()
    await expect(page.get_by_label("Text", exact=True)).to_have_value("")


async def test_what_repeats_is_single_posts_and_sent_again_it_does_nothing_twice(
    world: World, visitor: Visitor
) -> None:
    page = visitor.page
    first = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT09:00")
    await visitor.open("/compose")
    await page.get_by_label("Text", exact=True).fill("Every day at nine")
    await page.get_by_role("checkbox", name="plain").check()
    await page.get_by_label("Date and time").fill(first)
    await page.get_by_label("Repeat").select_option("every day")
    await page.get_by_label("How often in all").fill("3")
    draft = await page.evaluate("localStorage.getItem('timeball-draft')")

    await page.get_by_role("button", name="Schedule").click()
    await page.wait_for_url("**/posts?q=post-*")
    rows = page.locator('[data-region="posts"] .row')
    await expect(rows).to_have_count(3)
    found = page.url

    await page.evaluate("(draft) => localStorage.setItem('timeball-draft', draft)", draft)
    await visitor.open("/compose")
    await page.get_by_role("button", name="Schedule").click()
    await page.wait_for_url(found)
    await expect(rows).to_have_count(3)
    post_id = (await rows.first.get_attribute("data-key") or "").split(" ")[0]
    post = (await world.api.call("GET", f"/v1/posts/{post_id}"))["accounts"][0]
    assert post["revision"] == 1
