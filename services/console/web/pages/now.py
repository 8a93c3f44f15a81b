"""`/`: what is wrong, what wants a decision, what is next, and what is just out."""

import asyncio
from itertools import islice
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.alerts import AlertView
from services.console.api.console import Console, TheConsole
from services.console.api.posts import views_of
from services.console.api.queues import queues_of
from services.console.api.views import AccountView, PostView
from services.console.domain.posts import TO_DECIDE
from services.console.read_model.first_page import MOST_DECISIONS
from services.console.web.alerting import SHOWN_OTHERWISE
from services.console.web.templating import render
from services.console.web.troubles import Trouble, troubles_of

MOST_ALERTS = 5

router = APIRouter()


@router.get("/", dependencies=[READ])
async def show_now(console: TheConsole, request: Request) -> Response:
    """The first page."""
    # side by side: one after the other they would each wait for their turn, and an event waits for all of them
    posts, accounts, troubles, alerts = await asyncio.gather(
        _posts(console), _to_reconnect(console), _troubles(console), _alerts(console)
    )
    waiting = await _waiting(console, len(posts["decisions"]))
    shown: dict[str, Any] = {"waiting": waiting, "accounts": accounts, "troubles": troubles, **alerts, **posts}
    has_accounts = bool(posts["due"]) or await console.queries.has_account()
    return render(request, "now.html", has_accounts=has_accounts, **shown)


async def _posts(console: Console) -> dict[str, list[PostView]]:
    lists = await console.queries.first_posts()
    views = iter(await views_of(console, [one for some in lists.values() for one in some]))
    return {name: list(islice(views, len(some))) for name, some in lists.items()}


async def _waiting(console: Console, shown: int) -> int:
    """How many posts wait for a decision, of which so many are shown."""
    if shown < MOST_DECISIONS:
        return shown
    counts = await console.queries.counts.by_state()
    return sum(counts[state] for state in TO_DECIDE)


async def _to_reconnect(console: Console) -> list[AccountView]:
    rows = await console.queries.account_page(needs_reconnect=True, after="", limit=MOST_DECISIONS)
    return list(map(AccountView.of, rows))


async def _alerts(console: Console) -> dict[str, Any]:
    """The worst that maintenance warns of and the page does not say otherwise, and how many there are."""
    worst, total = await console.queries.alerts.worst(MOST_ALERTS, console.clock.now(), but_for=SHOWN_OTHERWISE)
    return {"alerts": list(map(AlertView.of, worst)), "open_alerts": total}


async def _troubles(console: Console) -> list[Trouble]:
    """What is wrong with the services. Without the broker nothing is known of them, which the page says elsewhere."""
    if console.broker.trouble is not None:
        return []
    return troubles_of((await queues_of(console, lately=True)).services)
