"""Workspaces on the page: made, refused by field, changed, and what was found for them, live."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import expect

from shared.events.monitor import DigestSent, MentionFound
from tests.browser.conftest import Visitor
from tests.fakes.networks.reddit_listing import CLIENT_ID, CLIENT_SECRET, RedditListing
from tests.integration.console.world import World, a_name
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

WATCH = {"subreddits": ["sailing"], "keywords": [{"phrase": "time ball"}]}
NOON = datetime(2027, 3, 28, 12, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def reddit(world: World) -> AsyncIterator[RedditListing]:
    """Reddit, and a monitor that watches it."""
    async with RedditListing().serving() as network:
        env = {
            "TIMEBALL_REDDIT_SERVER": network.url,
            "TIMEBALL_REDDIT_CLIENT_ID": CLIENT_ID,
            "TIMEBALL_REDDIT_CLIENT_SECRET": CLIENT_SECRET,
        }
        monitor = await world.system.start("monitor", env=env)
        yield network
        await monitor.stop()


def mention(workspace: str, number: int) -> MentionFound:
    return MentionFound(
        workspace_id=workspace,
        subreddit="sailing",
        item_id=f"t3_{number}",
        kind="post",
        title=f"Mention {number:02d}. كرة الوقت <b>&",
        url="https://www.reddit.com/r/sailing/comments/1",
        author="ann",
        keywords=("time ball",),
        created_at=NOON + timedelta(minutes=number),
    )


async def test_a_workspace_is_made_once_its_faults_are_mended(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await visitor.open("/workspaces")
    if not await page.get_by_label("Name", exact=True).is_visible():
        await page.locator("summary", has_text="New workspace").click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Subreddits").fill("r/sailing, horology")
    await page.get_by_label("Look for").fill("time ball")
    await page.get_by_role("button", name="Add a keyword").click()
    await page.get_by_label("Look for").nth(1).fill("(")
    await page.get_by_label("Find it as").nth(1).select_option("regex")
    await page.get_by_label("Every day at").focus()
    await page.keyboard.type("09")
    await page.get_by_label("in the zone").fill("Europe/Berlim")
    await page.get_by_label("Addresses of Apprise").fill("json://127.0.0.1:9/x")

    await page.get_by_role("button", name="Create").click()
    await expect(page.locator('[data-fault="digest"]')).to_have_text("Every day at: complete the time.")
    await page.get_by_label("Every day at").fill("09:00")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator('[data-fault="digest"]')).to_contain_text("in the zone: ")
    await expect(page.locator('[data-fault="digest"]')).to_contain_text("Europe/Berlim")
    await expect(page.get_by_label("in the zone")).to_be_focused()
    await page.get_by_label("in the zone").fill("Europe/Berlin")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator('[data-fault="keywords"]')).to_contain_text("regular expression")
    await page.get_by_label("Look for").nth(1).fill("chrono(meter|graph)s?")
    visitor.complaints.clear()  # the browser tells of refusals too
    await page.get_by_role("button", name="Create").click()

    await page.wait_for_url(f"**/workspaces/{name}")
    made = await world.api.call("GET", f"/v1/workspaces/{name}")
    assert made["subreddits"] == ["sailing", "horology"]
    assert made["keywords"] == [{"phrase": "time ball"}, {"phrase": "chrono(meter|graph)s?", "match": "regex"}]
    assert (made["has_targets"], made["digest"]) == (True, {"at": "09:00", "zone": "Europe/Berlin"})
    assert (made["rejection"], "json://" in await page.content()) == (None, False)


async def test_an_edit_keeps_whom_to_tell(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("PUT", f"/v1/workspaces/{name}", WATCH | {"notify_urls": ["json://127.0.0.1:9/x"]})
    await visitor.open(f"/workspaces/{name}")

    await change(visitor, "noon gun")
    await eventually(lambda: looks_for(world, name, "noon gun"), what="the first change is known")
    await page.get_by_label("Subreddits").fill("all")
    await change(visitor, "noon gun at sea")
    await expect(page.locator('[data-fault="subreddits"]')).to_contain_text("feed of many")
    await page.get_by_label("Subreddits").fill("sailing")
    await page.get_by_role("button", name="Save").click()

    await eventually(lambda: looks_for(world, name, "noon gun at sea"), what="the last change is known")
    assert (await world.api.call("GET", f"/v1/workspaces/{name}"))["has_targets"]
    visitor.complaints.clear()


async def change(visitor: Visitor, phrase: str) -> None:
    await visitor.page.get_by_label("Look for").fill(phrase)
    await visitor.page.get_by_role("button", name="Save").click()


async def looks_for(world: World, name: str, phrase: str) -> bool:
    known = await world.api.call("GET", f"/v1/workspaces/{name}")
    return bool(known["keywords"] == [{"phrase": phrase}])


async def test_what_somebody_else_has_changed_is_not_overwritten(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("PUT", f"/v1/workspaces/{name}", WATCH)
    await visitor.open(f"/workspaces/{name}")
    await page.get_by_label("Look for").fill("mine")
    await world.api.call("PUT", f"/v1/workspaces/{name}", WATCH | {"keywords": [{"phrase": "theirs"}]})

    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_role("alert")).to_contain_text("has changed since you looked at it")
    await expect(page.get_by_label("Look for")).to_have_value("mine")
    assert await looks_for(world, name, "theirs")
    visitor.complaints.clear()


async def test_mentions_and_digests_appear_as_they_are_found_in_pages(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("PUT", f"/v1/workspaces/{name}", WATCH)
    await visitor.open(f"/workspaces/{name}")
    await expect(page.get_by_text("Nothing was found yet")).to_be_visible()

    for number in range(30):
        await world.system.bus.emit(mention(name, number))
    await world.system.bus.emit(DigestSent(workspace_id=name, day="2027-03-28", mentions=30))

    await expect(page.locator(".mentions .said").first).to_have_text("Mention 29. كرة الوقت <b>&")
    await expect(page.get_by_role("cell", name="2027-03-28")).to_be_visible()
    await page.reload()
    await page.get_by_role("link", name="Next page").click()
    await expect(page.locator(".mentions .said")).to_have_count(5)
    await expect(page.locator(".mentions .said").last).to_contain_text("Mention 00")


async def test_keywords_are_tried_on_what_is_there_already(
    world: World, visitor: Visitor, reddit: RedditListing
) -> None:
    name, page = a_name(), visitor.page
    reddit.post("horology", "The <b>time ball</b> drops. כדור הזמן")
    reddit.post("horology", "Nothing of the kind")
    await world.api.call("PUT", f"/v1/workspaces/{name}", WATCH | {"subreddits": ["horology"]})
    await visitor.open(f"/workspaces/{name}")

    await page.get_by_role("button", name="Try them").click()

    trial = page.get_by_role("region", name="What they would have found")
    await expect(trial).to_contain_text("1 of 2 posts and comments of r/horology would have been found.")
    await expect(trial.locator(".said")).to_have_text("The <b>time ball</b> drops. כדור הזמן")
    assert await visitor.barriers() == []
    await page.get_by_label("Look for").fill("(")
    await page.get_by_label("Find it as").select_option("regex")
    await page.get_by_role("button", name="Try them").click()
    await expect(page.locator('[data-fault="keywords"]')).to_contain_text("regular expression")
    visitor.complaints.clear()
    assert await looks_for(world, name, "time ball")


async def test_a_workspace_is_removed(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("PUT", f"/v1/workspaces/{name}", WATCH)
    await visitor.open(f"/workspaces/{name}")

    await page.locator("summary", has_text="Remove").click()
    await page.get_by_role("button", name="Remove this workspace").click()

    await page.wait_for_url("**/workspaces")
    await expect(page.get_by_role("link", name=name)).to_have_count(0)
    assert (await world.api.refused("GET", f"/v1/workspaces/{name}"))[0] == 404
    visitor.complaints.clear()  # the page may have asked for itself once more, when it was gone


async def test_what_is_not_touched_stays_as_it_is_also_a_word_with_a_comma(world: World, visitor: Visitor) -> None:
    name = a_name()
    keyword = {"phrase": "time ball", "exclude": ["Greenwich, London", "Deal"]}
    await world.api.call("PUT", f"/v1/workspaces/{name}", WATCH | {"keywords": [keyword]})
    await visitor.open(f"/workspaces/{name}")

    await change(visitor, "noon gun")
    await expect(visitor.page.locator("#told")).to_contain_text("Saved.")

    (kept,) = (await world.api.call("GET", f"/v1/workspaces/{name}"))["keywords"]
    assert kept == keyword | {"phrase": "noon gun"}
