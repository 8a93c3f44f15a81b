"""What people do with posts on the page: watch, edit, cancel, retry, settle."""

import pytest
from playwright.async_api import expect

from shared.events.requests import RetryPolicy
from tests.browser.conftest import Visitor
from tests.fakes.sink import LOST_REPLY, refuse
from tests.integration.console.world import World, a_name, a_post
from tests.support.system import SECRET

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_the_first_page_shows_without_reloading_what_goes_out(world: World, visitor: Visitor) -> None:
    name = a_name()
    await visitor.open("/")
    await expect(visitor.page.locator("#live")).to_have_text("Live")

    await world.api.call("POST", "/v1/posts", a_post(name, due_in=2.5))

    await expect(visitor.page.locator('[data-region="due"]').get_by_text(name)).to_be_visible()
    await expect(visitor.page.locator('[data-region="out"]').get_by_text(name)).to_be_visible()
    await expect(visitor.page.locator('[data-region="due"]').get_by_text(name)).to_have_count(0)


async def test_a_post_is_edited_moved_and_cancelled(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/posts", a_post(name))
    await visitor.open(f"/posts/{name}")

    await page.get_by_text("Edit or move").click()
    await page.get_by_label("Text").fill("Said differently")
    await page.get_by_label("Time in Europe/Berlin").fill("2099-07-01T09:30:15")
    await page.get_by_role("button", name="Save").click()

    await expect(page.locator(".content")).to_have_text("Said differently")
    post = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]
    assert (post["publish_at"], post["revision"]) == ("2099-07-01T07:30:15Z", 2)

    await page.locator("summary", has_text="Cancel").click()
    await page.get_by_role("button", name="Cancel this post").click()
    await expect(page.locator("article .state")).to_have_text("Cancelled")


async def test_a_failed_post_is_tried_again(world: World, visitor: Visitor) -> None:
    name = a_name()
    world.system.sink.will_answer(name, refuse(422, b"no such page"))
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "failed")
    await visitor.open(f"/posts/{name}")

    await visitor.page.get_by_role("button", name="Retry now").click()

    await expect(visitor.page.locator("article .state")).to_have_text("Published")
    timeline = visitor.page.locator(".timeline")
    for said in (
        "Accepted",
        "Released to the publisher",
        "Failed",
        "no such page",
        "Asked to be tried again",
        "Published",
    ):
        await expect(timeline).to_contain_text(said)


@pytest.mark.parametrize(("answer", "state"), [("It is out", "Published"), ("It is not out", "Failed")])
async def test_an_unknown_outcome_is_settled_on_the_first_page(
    world: World, visitor: Visitor, answer: str, state: str
) -> None:
    name = a_name()
    world.system.sink.will_answer(name, LOST_REPLY)
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "unknown")
    await visitor.open("/")
    card = visitor.page.locator("article", has=visitor.page.locator(f'a[href="/posts/{name}"]'))

    await card.get_by_role("button", name=answer, exact=True).click()

    await expect(card).to_have_count(0)
    await visitor.open(f"/posts/{name}")
    await expect(visitor.page.locator("article .state")).to_have_text(state)


async def test_the_network_settles_an_unknown_outcome_where_it_recognises_the_request(
    world: World, visitor: Visitor
) -> None:
    await world.system.connect("hook", "webhook", credentials={"secret": SECRET})
    name = a_name()
    world.system.sink.will_answer(name, LOST_REPLY)
    once = {"retry": RetryPolicy(attempts=1).model_dump()}
    await world.api.call("POST", "/v1/posts", a_post(name, "hook", due_in=0) | once)
    await world.api.becomes(name, "unknown")
    await visitor.open("/")
    card = visitor.page.locator("article", has=visitor.page.locator(f'a[href="/posts/{name}"]'))

    await card.get_by_role("button", name="Ask the network").click()

    await expect(card).to_have_count(0)
    await visitor.open(f"/posts/{name}")
    await expect(visitor.page.locator("article .state")).to_have_text("Published")
    assert world.system.sink.appearances()[name] == 1


async def test_selected_posts_are_cancelled(world: World, visitor: Visitor) -> None:
    names = [a_name() for _ in range(3)]
    for name in names:
        await world.api.call("POST", "/v1/posts", a_post(name, due_in=5_000_000))
    await visitor.open("/posts?state=scheduled")
    for name in names[:2]:
        await visitor.page.get_by_label(f"Select {name} on plain").check()

    await visitor.page.get_by_text("Change the 2 selected").click()
    await visitor.page.get_by_role("button", name="Look at them first").click()
    await visitor.page.get_by_role("button", name="Cancel all 2").click()

    await expect(visitor.page.locator('[data-region="run"]')).to_contain_text("2 of 2: 2 cancelled")
    states = [(await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["state"] for name in names]
    assert states == ["cancelled", "cancelled", "scheduled"]


async def test_posts_are_found_by_words_and_what_is_not_found_says_so(world: World, visitor: Visitor) -> None:
    name, page = a_name(), visitor.page
    await world.api.call("POST", "/v1/posts", a_post(name) | {"content": f"Zebra crossing {name}"})
    await visitor.open("/posts")

    await page.get_by_label("Words").fill(f"zebr {name.removeprefix('post-')[:6]}")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator('[data-region="posts"]').get_by_text(name, exact=True)).to_be_visible()
    assert await visitor.barriers() == []

    await page.get_by_label("Words").fill("unheard-of")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator(".empty")).to_contain_text("No post has words that begin with “unheard-of”")
