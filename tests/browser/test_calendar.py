"""The calendar: posts on their days, moved by keyboard and by mouse, taken back, and many on one day."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import FloatRect, Locator, expect

from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name, a_post, connect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

BERLIN = ZoneInfo("Europe/Berlin")
CHANGE = datetime(2027, 3, 27, 2, 30, 15, tzinfo=BERLIN)
"""On the day before the clocks skip this time."""
PAGE = "/calendar?view=month&date=2027-03-27"


async def due_at(world: World, name: str) -> datetime:
    post = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]
    return datetime.fromisoformat(post["publish_at"]).astimezone(BERLIN)


async def scheduled(world: World, at: datetime) -> str:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name) | {"publish_at": at.isoformat()})
    return name


def entry(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(f'[data-region="calendar"] a[href="/posts/{name}"]')


def day(visitor: Visitor, at: datetime) -> Locator:
    return visitor.page.locator(f'.day[data-key="{at:%Y-%m-%d}"]')


def hour(visitor: Visitor, at: datetime) -> Locator:
    """The cell of an hour in a week, of which Monday is the first day."""
    return visitor.page.locator(f"#h{at.hour} td").nth(at.weekday())


async def test_hours_open_at_the_first_post_of_a_week_and_at_the_present_hour_of_today(
    world: World, visitor: Visitor
) -> None:
    at, page = datetime(2031, 5, 7, 21, 10, tzinfo=BERLIN), visitor.page
    await scheduled(world, at)
    await page.set_viewport_size({"width": 1440, "height": 500})
    for view in ("week", "day"):
        await visitor.open(f"/calendar?view={view}&date=2031-05-07")
        await expect(page.locator("#h21")).to_be_in_viewport(ratio=0.9)
        await expect(page.locator("#h3")).not_to_be_in_viewport()

    await visitor.open("/calendar?view=day&date=2031-05-07#h2")
    await expect(page.locator("#h2")).to_be_in_viewport(ratio=0.9)

    now = datetime.now(BERLIN)
    await visitor.open("/calendar?view=week")
    await expect(page.locator(f"#h{now.hour}, #h{(now + timedelta(minutes=3)).hour}").first).to_be_in_viewport()


async def test_a_month_opens_at_today(visitor: Visitor) -> None:
    await visitor.page.set_viewport_size({"width": 1440, "height": 250})

    await visitor.open("/calendar")

    await expect(visitor.page.locator(".month > .is-today")).to_be_in_viewport()


async def test_a_post_is_moved_by_keyboard_once_both_times_were_seen_and_taken_back(
    world: World, visitor: Visitor
) -> None:
    name, page = await scheduled(world, CHANGE - timedelta(days=1)), visitor.page
    await visitor.open(PAGE)
    await entry(visitor, name).focus()

    await page.keyboard.press("Alt+ArrowRight")
    await expect(page.get_by_role("dialog")).to_contain_text("Fri 26 Mar 2027, 02:30:15 CET (UTC+01:00)")
    await expect(page.get_by_role("dialog")).to_contain_text("Sat 27 Mar 2027, 02:30:15 CET (UTC+01:00)")
    assert await due_at(world, name) == CHANGE - timedelta(days=1)
    assert await visitor.barriers() == []
    await page.keyboard.press("Enter")

    await expect(day(visitor, CHANGE).locator(f'a[href="/posts/{name}"]')).to_be_focused()
    assert await due_at(world, name) == CHANGE
    await page.get_by_role("button", name="Undo").click()
    await expect(day(visitor, CHANGE - timedelta(days=1)).locator(f'a[href="/posts/{name}"]')).to_be_visible()
    assert await due_at(world, name) == CHANGE - timedelta(days=1)


async def test_what_is_left_stays_where_it_was(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, CHANGE), visitor.page
    await visitor.open(PAGE)
    await entry(visitor, name).focus()
    await page.keyboard.press("Alt+ArrowDown")
    await page.keyboard.press("Alt+ArrowLeft")
    await expect(page.get_by_role("dialog")).to_contain_text("Fri 2 Apr 2027, 02:30:15 CEST (UTC+02:00)")

    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(entry(visitor, name)).to_be_focused()
    assert await due_at(world, name) == CHANGE


async def test_a_post_is_dragged_to_another_day(world: World, visitor: Visitor) -> None:
    name = await scheduled(world, CHANGE)
    await visitor.open(PAGE)

    await entry(visitor, name).drag_to(day(visitor, CHANGE - timedelta(days=4)))
    await visitor.page.get_by_role("button", name="Move it").click()

    await expect(day(visitor, CHANGE - timedelta(days=4)).locator(f'a[href="/posts/{name}"]')).to_be_visible()
    assert await due_at(world, name) == CHANGE - timedelta(days=4)


async def test_a_post_is_dragged_to_another_hour_of_a_week_and_keeps_minutes_and_seconds(
    world: World, visitor: Visitor
) -> None:
    at = datetime(2027, 6, 9, 7, 41, 7, tzinfo=BERLIN)
    name = await scheduled(world, at)
    await visitor.open("/calendar?view=week&date=2027-06-09")
    there = at + timedelta(days=2, hours=6)

    await entry(visitor, name).drag_to(hour(visitor, there))
    await visitor.page.get_by_role("button", name="Move it").click()

    await expect(hour(visitor, there).locator(f'a[href="/posts/{name}"]')).to_be_visible()
    assert await due_at(world, name) == there


async def test_a_free_place_leads_to_a_post_for_that_time(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.open("/calendar?view=week&date=2099-06-10")
    await hour(visitor, datetime(2099, 6, 10, 14, tzinfo=BERLIN)).click()
    await expect(page.get_by_label("Date and time")).to_have_value("2099-06-10T14:00")

    await visitor.open("/calendar?view=month&date=2099-06-10")
    await day(visitor, datetime(2099, 6, 12, tzinfo=BERLIN)).click()
    await expect(page.get_by_label("Date and time")).to_have_value("2099-06-12T12:00")

    await visitor.open("/calendar?view=day&date=2099-06-10")
    await page.get_by_role("link", name="07:00").press("Enter")  # without a pointer
    await expect(page.get_by_label("Date and time")).to_have_value("2099-06-10T07:00")

    await visitor.open("/calendar?view=week&date=2020-06-10")
    await hour(visitor, datetime(2020, 6, 10, 14, tzinfo=BERLIN)).click()
    await expect(page).to_have_url(re.compile("/calendar"))


async def test_what_somebody_has_changed_meanwhile_is_not_moved(world: World, visitor: Visitor) -> None:
    name, page = await scheduled(world, CHANGE), visitor.page
    await visitor.open(PAGE)
    await entry(visitor, name).focus()
    await page.keyboard.press("Alt+ArrowLeft")
    await expect(page.get_by_role("dialog")).to_contain_text("Fri 26 Mar 2027")
    later = (CHANGE + timedelta(days=3)).isoformat()
    await world.api.call("PATCH", f"/v1/posts/{name}", {"publish_at": later})

    await page.keyboard.press("Enter")

    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("revision")
    assert await due_at(world, name) == CHANGE + timedelta(days=3)
    visitor.complaints.clear()  # the browser tells of the refusal


async def test_a_time_that_the_clocks_skip_is_said_to_be_and_moved_to_the_first_after_it(
    world: World, visitor: Visitor
) -> None:
    name, page = await scheduled(world, CHANGE), visitor.page
    await visitor.open(PAGE)
    await expect(day(visitor, CHANGE + timedelta(days=1))).to_contain_text("clocks go forward by 60 min")
    await entry(visitor, name).focus()

    await page.keyboard.press("Alt+ArrowRight")
    await expect(page.get_by_role("dialog")).to_contain_text("No clock shows 02:30:15 on that day")
    await expect(page.get_by_role("dialog")).to_contain_text("Sun 28 Mar 2027, 03:00:00 CEST (UTC+02:00)")
    await page.keyboard.press("Enter")

    await expect(day(visitor, CHANGE + timedelta(days=1)).locator(f'a[href="/posts/{name}"]')).to_be_visible()
    assert (await due_at(world, name)).isoformat() == "2027-03-28T03:00:00+02:00"


async def test_a_week_shows_which_hour_is_skipped_and_which_comes_twice(world: World, visitor: Visitor) -> None:
    await visitor.open("/calendar?view=week&date=2027-03-28")
    await expect(hour(visitor, datetime(2027, 3, 28, 2, tzinfo=BERLIN))).to_contain_text(
        "is skipped: the clocks go forward"
    )
    first, second = datetime(2028, 10, 29, 0, 30, tzinfo=UTC), datetime(2028, 10, 29, 1, 30, tzinfo=UTC)
    names = [await scheduled(world, at) for at in (first, second)]

    await visitor.open("/calendar?view=week&date=2028-10-29")

    cell = hour(visitor, datetime(2028, 10, 29, 2, tzinfo=BERLIN))
    await expect(cell).to_contain_text("comes twice: the clocks go back")
    await expect(cell.get_by_role("link").nth(0)).to_contain_text("02:30 CEST")
    await expect(cell.get_by_role("link").nth(1)).to_contain_text("02:30 CET")
    assert await cell.get_by_role("link").nth(1).get_attribute("href") == f"/posts/{names[1]}"
    assert await visitor.barriers() == []


async def test_thirty_posts_of_an_hour_lie_beside_or_below_each_other_never_over(
    world: World, visitor: Visitor
) -> None:
    at = datetime(2029, 1, 10, 9, tzinfo=BERLIN)
    names = [await scheduled(world, at + timedelta(minutes=2 * (number // 10))) for number in range(30)]

    for view, least in (("week", 60), ("day", 140)):  # in a day there is room for the text
        await visitor.open(f"/calendar?view={view}&date=2029-01-10")
        boxes = [await entry(visitor, name).bounding_box() for name in names]
        assert all(box and box["width"] > least and box["height"] > 12 for box in boxes)
        assert not [
            (one, other)
            for number, one in enumerate(boxes)
            for other in boxes[number + 1 :]
            if one and other and _overlap(one, other)
        ]
        lines = {box["y"] for box in boxes[:10] if box}
        assert len(lines) < 6  # of the same minute: side by side, as far as there is room
        assert await visitor.barriers() == []


@pytest.mark.parametrize("view", ["week", "month"])
async def test_it_is_said_for_which_account_each_post_is_also_of_one_that_goes_to_several(
    world: World, visitor: Visitor, view: str
) -> None:
    at, name = datetime(2029 if view == "week" else 2030, 2, 13, 9, tzinfo=BERLIN), a_name()
    await connect(world.api, world.system, "harbour-mastodon")
    for post, accounts in ((name, ("plain", "harbour-mastodon")), (a_name(), ("plain",))):
        due = at if post == name else at + timedelta(minutes=20)
        await world.api.call("POST", "/v1/posts", a_post(post, *accounts) | {"publish_at": due.isoformat()})

    for size in ("laptop", "phone"):
        await visitor.resize(size)
        await visitor.open(f"/calendar?view={view}&date={at:%Y-%m-%d}")
        told = visitor.page.locator('[data-region="calendar"] li > a > b')
        assert sorted(await told.all_inner_texts()) == ["harbour-mastodon", "plain", "plain"]
        assert [await one.evaluate(IS_READABLE) for one in await told.all()] == [True] * 3
    await visitor.resize("laptop")


IS_READABLE = "(one) => one.clientHeight > 10 && one.scrollWidth <= one.clientWidth"
"""Whether an element is shown, and with all its letters."""


def _overlap(one: FloatRect, other: FloatRect) -> bool:
    return (
        one["x"] < other["x"] + other["width"]
        and other["x"] < one["x"] + one["width"]
        and one["y"] < other["y"] + other["height"]
        and other["y"] < one["y"] + one["height"]
    )


async def test_what_stands_in_the_way_of_a_post_is_said_in_words(world: World, visitor: Visitor) -> None:
    at = datetime(2029, 2, 7, 9, tzinfo=BERLIN)
    first, second = [await scheduled(world, at) for _ in range(2)]
    third = await scheduled(world, at + timedelta(minutes=3))
    alone = await scheduled(world, at + timedelta(minutes=8))

    for view in ("month", "week"):
        await visitor.open(f"/calendar?view={view}&date=2029-02-07")
        await expect(entry(visitor, first).locator("mark")).to_have_text("at once")
        await expect(entry(visitor, second).locator("mark")).to_have_text("at once")
        await expect(entry(visitor, third).locator("mark")).to_have_text("close")
        await expect(entry(visitor, alone).locator("mark")).to_have_count(0)
        marks = visitor.page.locator(".marks")
        await expect(marks).to_contain_text("another post is due on its account at the same instant")
    await entry(visitor, alone).focus()
    await visitor.page.keyboard.press("Alt+ArrowUp")
    await visitor.page.get_by_label("New time").fill("2029-02-07T09:00:00")
    await expect(visitor.page.get_by_role("dialog")).to_contain_text("at the same instant")


async def test_more_than_a_day_can_show_are_counted_and_shown_on_its_own_page(world: World, visitor: Visitor) -> None:
    at = datetime(2028, 5, 5, 12, tzinfo=BERLIN)
    names = [await scheduled(world, at + timedelta(minutes=number)) for number in range(6)]
    await visitor.open("/calendar?view=month&date=2028-05-01")

    await day(visitor, at).get_by_role("link", name="+2 more").click()

    for name in names:
        await expect(entry(visitor, name)).to_be_visible()


async def test_on_a_phone_the_calendar_is_the_agenda_of_a_day(world: World, visitor: Visitor) -> None:
    at = datetime(2029, 3, 7, 9, tzinfo=BERLIN)
    here, there = await scheduled(world, at), await scheduled(world, at + timedelta(days=1))
    await visitor.resize("phone")
    await visitor.open("/calendar?view=week&date=2029-03-07")
    await expect(entry(visitor, here)).to_be_visible()
    await expect(entry(visitor, there)).to_be_hidden()

    await visitor.page.get_by_role("navigation", name="Days of this week").get_by_role("link", name="Thu 8").click()

    await expect(entry(visitor, there)).to_be_visible()
    await expect(entry(visitor, here)).to_be_hidden()
    assert not await visitor.is_wider_than_the_screen()
    assert await visitor.barriers() == []


async def test_a_post_that_is_out_cannot_be_moved(world: World, visitor: Visitor) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "published")
    await visitor.open("/calendar?view=day")

    await expect(entry(visitor, name)).to_be_visible()
    assert await entry(visitor, name).get_attribute("data-at") is None
