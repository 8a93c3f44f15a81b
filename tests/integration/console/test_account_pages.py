"""`/accounts` in pages: every account is on one of them, those first that must be connected again."""

import re
from html import unescape
from typing import Any

import pytest

from services.console.handlers import Projector
from services.console.store import Store
from services.console.web.pages.accounts import ON_A_PAGE
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.publisher import AccountConnected, AccountRefreshFailed
from shared.messaging.envelope import Delivery
from tests.fakes.clock import FakeClock
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica

WHY = ErrorDetail(kind="rejected", code="revoked", message="the app was removed")


def facts(name: str, *, is_urgent: bool) -> list[Event]:
    told: dict[str, Any] = {"account_id": name, "platform": "sandbox", "changed_at": NOW}
    return [AccountRefreshFailed(**told, error=WHY, needs_reconnect=True) if is_urgent else AccountConnected(**told)]


@pytest.mark.parametrize(
    ("urgent", "others"),
    [(0, 2 * ON_A_PAGE + 1), (2 * ON_A_PAGE + 1, 3), (ON_A_PAGE, ON_A_PAGE), (ON_A_PAGE + 1, 0)],
)
async def test_every_account_is_on_one_page_and_on_no_other(
    replica: Replica, clock: FakeClock, urgent: int, others: int
) -> None:
    projector = Projector(Store(replica.console.tokens.database, clock), clock)
    names = [f"urgent-{number:03}" for number in range(urgent)] + [f"other-{number:03}" for number in range(others)]
    for name in names:
        for fact in facts(name, is_urgent=name.startswith("urgent")):
            await projector.on_account_fact(Delivery(fact, name, "c"))

    shown, address = list[str](), "/accounts"
    async with replica.client() as browser:
        await browser.post("/sign-in", data={"token": ADMIN_TOKEN})
        while address:
            page = (await browser.get(address)).text
            shown += re.findall(r'data-key="((?:urgent|other)-\d+)"', page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = unescape(following[1]) if following else ""

    assert shown == names
