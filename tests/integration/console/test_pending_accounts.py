"""An account that is connected again while its publisher does not answer is shown as it is: it goes on as it was."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.console.handlers import Projector
from services.console.requests.sender import Answers
from services.console.store import Store
from shared.events.publisher import AccountConnected, AccountDisconnected
from shared.messaging.envelope import Delivery
from tests.fakes.clock import FakeClock
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica


async def unanswered(*_: Any, **__: Any) -> Answers:
    return Answers("c", NOW, [], is_complete=False)


@pytest.mark.parametrize("is_connected", [True, False])
async def test_it_is_shown_as_it_is_until_the_publisher_has_answered(
    replica: Replica, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, *, is_connected: bool
) -> None:
    monkeypatch.setattr(replica.console, "requests", SimpleNamespace(send_and_wait=unanswered), raising=False)
    fact = (AccountConnected if is_connected else AccountDisconnected)(
        account_id="team", platform="sandbox", changed_at=NOW
    )
    projector = Projector(Store(replica.console.tokens.database, clock), clock)
    await projector.on_account_fact(Delivery(fact, "m-1", "c"))

    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.put("/v1/accounts/team", json={"platform": "sandbox", "settings": {"url": "https://new"}})

    account = answer.json()
    assert (answer.status_code, account["pending"], account["connected"]) == (200, True, is_connected), account
