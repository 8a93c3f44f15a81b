"""`/`: what is wrong, what wants a decision, what is next, and what is just out."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.posts import views_of
from services.console.api.queues import list_queues
from services.console.api.views import AccountView, PostView
from services.console.web.templating import render
from services.console.web.troubles import Trouble, troubles_of
from shared.events.progress import State

MOST_ROWS = 8
MOST_DECISIONS = 20

router = APIRouter()


@router.get("/", dependencies=[READ])
async def show_now(console: TheConsole, request: Request) -> Response:
    """The first page."""
    # side by side: one after the other they would each wait for their turn, and an event waits for all of them
    decisions, accounts, due, sending, out, troubles = await asyncio.gather(
        _next_due(console, (State.UNKNOWN, State.HELD), MOST_DECISIONS),
        _accounts(console),
        _next_due(console, (State.SCHEDULED, State.DISPATCHED), MOST_ROWS),
        _next_due(console, (State.SENDING, State.RETRYING), MOST_ROWS),
        _just_out(console),
        _troubles(console),
    )
    return render(
        request,
        "now.html",
        troubles=troubles,
        decisions=decisions,
        accounts=[account for account in accounts if account.needs_reconnect],
        has_accounts=any(account.connected for account in accounts),
        due=due,
        sending=sending,
        out=out,
    )


async def _next_due(console: Console, states: Sequence[State], most: int) -> list[PostView]:
    return await views_of(console, await console.browsing.next_due(states, most))


async def _just_out(console: Console) -> list[PostView]:
    return await views_of(console, await console.browsing.just_out(MOST_ROWS))


async def _accounts(console: Console) -> list[AccountView]:
    return [AccountView.of(row) for row in await console.queries.accounts()]


async def _troubles(console: Console) -> list[Trouble]:
    """What is wrong with the services. Without the broker nothing is known of them, which the page says elsewhere."""
    if console.broker.trouble is not None:
        return []
    return troubles_of((await list_queues(console)).services)
