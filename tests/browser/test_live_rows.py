"""Live rows: what is under the pointer, in focus or selected stays where it is, and what is new waits."""

from itertools import count

import pytest
from playwright.async_api import FloatRect, Locator, Page, expect

from shared.events.base import ErrorDetail
from shared.events.publisher import PublishUnknown
from shared.events.scheduler import ScheduleAccepted
from tests.browser.conftest import Visitor
from tests.integration.console.world import World, a_name
from tests.support.system import in_seconds
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


ERROR = ErrorDetail(kind="unconfirmed", code="timeout", message="no answer")
EARLIER = count(3000, -60)


async def soon(world: World, *names: str) -> None:
    """Posts that are due before all others."""
    for name in names:
        at = in_seconds(next(EARLIER))
        event = ScheduleAccepted(post_id=name, account_id="plain", revision=1, publish_at=at, changed=True)
        await world.system.bus.emit(event)


async def due(world: World, visitor: Visitor) -> tuple[Locator, Locator]:
    """The list of what is due next, and a row of it."""
    name = a_name()
    await visitor.open("/")
    await expect(visitor.page.locator("#live")).to_have_text("Live")
    await soon(world, name)
    listed = visitor.page.locator('[data-region="due"]')
    row = listed.locator(".row", has_text=name)
    await expect(row).to_be_visible()
    return listed, row


async def place_of(row: Locator) -> FloatRect:
    box = await row.bounding_box()
    assert box
    return box


async def is_under_the_pointer(row: Locator) -> bool:
    await row.hover()
    return bool(await row.evaluate("(one) => one.matches(':hover')"))


async def rest_on(row: Locator) -> None:
    """Put the pointer on a row; what is patched on its way there may take the row from under it."""
    await eventually(lambda: is_under_the_pointer(row), what="the pointer rests on the row")


async def settled(page: Page, row: Locator) -> FloatRect:
    """Where a row stands once it has stopped moving."""
    await row.scroll_into_view_if_needed()
    await page.evaluate("() => Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    return await place_of(row)


async def test_new_rows_wait_behind_a_button_while_the_pointer_is_on_the_list(world: World, visitor: Visitor) -> None:
    page, names = visitor.page, [a_name() for _ in range(3)]
    listed, row = await due(world, visitor)
    await rest_on(row)
    before = await settled(page, row)

    await soon(world, *names)

    waiting = page.get_by_role("button", name="3 new")
    await expect(waiting).to_be_visible()
    assert await place_of(row) == before
    await expect(listed.get_by_text(names[0])).to_have_count(0)
    await waiting.click()
    for name in names:
        await expect(listed.get_by_text(name)).to_be_visible()
    await expect(waiting).to_have_count(0)


async def test_new_rows_come_by_themselves_once_the_pointer_has_left(world: World, visitor: Visitor) -> None:
    page, name = visitor.page, a_name()
    listed, row = await due(world, visitor)
    await rest_on(row)
    await soon(world, name)
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()

    await page.mouse.move(1, 1)

    await expect(listed.get_by_text(name)).to_be_visible()


async def test_nothing_moves_while_a_row_has_the_focus(world: World, visitor: Visitor) -> None:
    page = visitor.page
    _, row = await due(world, visitor)
    link = row.get_by_role("link")
    await link.focus()
    before = await settled(page, row)

    await soon(world, a_name())

    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert await place_of(row) == before
    await expect(link).to_be_focused()


async def test_what_comes_above_the_pointer_waits_as_well(world: World, visitor: Visitor) -> None:
    page, name = visitor.page, a_name()
    _, row = await due(world, visitor)
    await rest_on(row)
    before = await settled(page, row)

    await world.system.bus.emit(PublishUnknown(post_id=name, account_id="plain", revision=1, attempts=1, error=ERROR))

    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert await place_of(row) == before
    await page.mouse.move(1, 1)
    await expect(page.locator(f'[data-region="decisions"] [data-key="{name} plain"]')).to_be_visible()


async def test_selected_text_stays_selected(world: World, visitor: Visitor) -> None:
    page = visitor.page
    _, row = await due(world, visitor)
    name = await row.locator(".where .id").inner_text()
    await page.mouse.move(1, 1)
    await row.locator(".where .id").evaluate("(one) => getSelection().selectAllChildren(one)")

    await soon(world, a_name())

    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert await page.evaluate("() => getSelection().toString()") == name


async def test_rows_that_are_picked_stay_picked(world: World, visitor: Visitor) -> None:
    page, names = visitor.page, (a_name(), a_name())
    await soon(world, names[0])
    await visitor.open("/posts?state=scheduled")
    row = page.locator(".row", has_text=names[0])
    await row.get_by_role("checkbox").check()
    await page.evaluate("() => document.activeElement.blur()")
    await page.mouse.move(1, 1)

    await soon(world, names[1])

    await expect(page.locator(".row", has_text=names[1])).to_be_visible()
    await expect(row.get_by_role("checkbox")).to_be_checked()


async def test_nothing_is_animated_for_whoever_wants_no_motion(world: World, visitor: Visitor) -> None:
    page, name = visitor.page, a_name()
    await page.emulate_media(reduced_motion="reduce")
    listed, _ = await due(world, visitor)

    await soon(world, name)

    fresh = listed.locator(".row.is-fresh", has_text=name)
    await expect(fresh).to_be_visible()
    assert await fresh.evaluate("(row) => getComputedStyle(row).animationName") == "none"


async def test_nothing_moves_when_the_connection_is_lost(world: World, visitor: Visitor) -> None:
    page = visitor.page
    _, row = await due(world, visitor)
    await rest_on(row)
    before = await settled(page, row)

    await page.evaluate("dispatchEvent(new Event('offline'))")

    await expect(page.get_by_role("status").filter(has_text="connection to the console is lost")).to_be_visible()
    assert await place_of(row) == before
