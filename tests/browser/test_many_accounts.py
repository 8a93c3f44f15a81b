"""More accounts and workspaces than fit on a page are shown page by page, those first that a person must see to."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from shared.events.base import ErrorDetail
from shared.events.publisher import AccountConnected, AccountRefreshFailed
from shared.events.requests import WorkspaceConfigured
from tests.browser.conftest import Visitor
from tests.browser.test_every_page import MOST_BYTES
from tests.integration.console.world import World
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

MANY = 100
WHY = ErrorDetail(kind="unauthorized", code="401", message="The token was revoked.")


async def test_accounts_come_page_by_page_and_those_to_connect_again_first(world: World, visitor: Visitor) -> None:
    names = [f"many-{number:02}-{'x' * 60}" for number in range(MANY)]
    for name in names:
        connected = AccountConnected(account_id=name, platform="mastodon", changed_at=datetime.now(UTC))
        await world.system.bus.emit(connected)
    broken = AccountRefreshFailed(account_id=names[-1], error=WHY, needs_reconnect=True, changed_at=datetime.now(UTC))
    await world.system.bus.emit(broken)
    await eventually(lambda: are_connected(world, names), what="the console knows them")
    page, cards = visitor.page, visitor.page.locator('[data-region="accounts"] h2 a')

    response = await page.goto(f"{visitor.base}/accounts")
    assert response
    assert len(await response.body()) <= MOST_BYTES
    first = await cards.all_inner_texts()
    await page.get_by_role("link", name="Next page").click()
    await expect(page.get_by_role("link", name="First page", exact=True)).to_be_visible()
    shown = [*first, *await cards.all_inner_texts()]
    while await (following := page.get_by_role("link", name="Next page")).count():
        await page.goto(f"{visitor.base}{await following.get_attribute('href')}")
        shown += await cards.all_inner_texts()

    assert first[0] == names[-1]
    assert sorted(set(shown) & set(names)) == names
    assert len(shown) == len(set(shown))
    assert await visitor.barriers() == []


async def test_one_of_many_accounts_is_found_and_chosen(world: World, visitor: Visitor) -> None:
    names = [f"many-{number:02}-{'x' * 60}" for number in range(MANY)]
    page = visitor.page
    for path in ("/calendar", "/calendar?view=week", "/posts", "/statistics", "/compose"):
        response = await page.goto(f"{visitor.base}{path}")
        assert response
        assert len(await response.body()) <= MOST_BYTES, path
    chosen = page.get_by_role("checkbox", name=names[7])
    await chosen.check()

    await page.get_by_label("Find among").fill("MANY-42")

    await expect(page.locator(".destination:visible > label > span:first-of-type")).to_have_text([names[7], names[42]])
    await page.get_by_role("checkbox", name=names[42]).check()
    await page.get_by_label("Find among").fill("nobody of this name")
    await expect(page.get_by_role("checkbox", name=names[42])).to_be_checked()
    await page.locator(".destination").filter(has_text=names[42]).get_by_text("Another text, options").click()
    await expect(page.get_by_label(f"On {names[42]} alone")).to_be_visible()
    assert await visitor.barriers() == []


async def test_workspaces_come_page_by_page(world: World, visitor: Visitor) -> None:
    names = [f"many-{number:02}" for number in range(MANY)]
    for name in names:
        await world.system.bus.emit(
            WorkspaceConfigured(workspace_id=name, monitoring_enabled=True, subreddits=(), keywords=())
        )
    await eventually(lambda: are_watched(world, names), what="the console knows them")
    page, cards = visitor.page, visitor.page.locator('[data-region="workspaces"] h2 a')

    shown: list[str] = []
    response = await page.goto(f"{visitor.base}/workspaces")
    while True:
        assert response
        assert len(await response.body()) <= MOST_BYTES
        shown += await cards.all_inner_texts()
        following = page.get_by_role("link", name="Next page")
        if not await following.count():
            break
        response = await page.goto(f"{visitor.base}{await following.get_attribute('href')}")

    assert [name for name in shown if name in names] == names


async def are_connected(world: World, names: list[str]) -> bool:
    """Whether all of them are known, the last one as to be connected again: facts may be learned in any order."""
    accounts = {one["account_id"]: one for one in (await world.api.call("GET", "/v1/accounts"))["accounts"]}
    return set(names) <= set(accounts) and bool(accounts[names[-1]]["needs_reconnect"])


async def are_watched(world: World, names: list[str]) -> bool:
    known = str(await world.api.call("GET", "/v1/workspaces"))
    return all(f"'{name}'" in known for name in names)
