"""Times are in the zone of the browser, also on a page that was asked for before the zone was told."""

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

ZONE_IS_KNOWN, ZONE_IS_NOT = 'data-zone-known="yes"', 'data-zone-known="no"'


async def test_whoever_has_travelled_sees_all_times_in_the_new_zone(visitor: Visitor) -> None:
    await visitor.context.add_cookies([{"name": "timeball_zone", "value": "Asia%2FKathmandu", "url": visitor.base}])

    await visitor.open("/")

    await expect(visitor.page.get_by_role("contentinfo")).to_contain_text("Times are in Europe/Berlin")


async def test_a_page_that_does_not_know_the_zone_is_asked_for_once_more(visitor: Visitor) -> None:
    drawn: list[str] = []

    async def never_knows(route: Route) -> None:
        page = await (await route.fetch()).text()
        drawn.append(page)
        await route.fulfill(body=page.replace(ZONE_IS_KNOWN, ZONE_IS_NOT), content_type="text/html")

    await visitor.page.route("**/tokens", never_knows)
    await visitor.open("/tokens")

    await visitor.page.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'")
    await expect(visitor.page.get_by_role("contentinfo")).to_contain_text("Europe/Berlin")
    assert len(drawn) == 2
    assert all(ZONE_IS_KNOWN in page for page in drawn)
