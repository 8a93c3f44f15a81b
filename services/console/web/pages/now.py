"""`/`: what is wrong, what wants a decision, what is next, and what is just out."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.posts import views_of
from services.console.api.queues import list_queues
from services.console.api.views import AccountView
from services.console.web.templating import render
from services.console.web.troubles import Trouble, troubles_of
from shared.events.progress import State

MOST_ROWS = 8
MOST_DECISIONS = 20

router = APIRouter()


@router.get("/", dependencies=[READ])
async def show_now(console: TheConsole, request: Request) -> Response:
    """The first page."""
    browsing = console.browsing
    decisions = await browsing.next_due((State.UNKNOWN, State.HELD), MOST_DECISIONS)
    accounts = [AccountView.of(row) for row in await console.queries.accounts()]
    due = await browsing.next_due((State.SCHEDULED, State.DISPATCHED), MOST_ROWS)
    sending = await browsing.next_due((State.SENDING, State.RETRYING), MOST_ROWS)
    return render(
        request,
        "now.html",
        troubles=await _troubles(console),
        decisions=await views_of(console, decisions),
        accounts=[account for account in accounts if account.needs_reconnect],
        has_accounts=any(account.connected for account in accounts),
        due=await views_of(console, due),
        sending=await views_of(console, sending),
        out=await views_of(console, await browsing.just_out(MOST_ROWS)),
    )


async def _troubles(console: Console) -> list[Trouble]:
    """What is wrong with the services. Without the broker nothing is known of them, which the page says elsewhere."""
    if console.broker.trouble is not None:
        return []
    return troubles_of((await list_queues(console)).services)
