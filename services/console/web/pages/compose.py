"""`/compose`: write a post."""

from datetime import timedelta
from secrets import token_hex

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.views import AccountView
from services.console.web.asked import TheViewer
from services.console.web.checking import Checked, Written, checked
from services.console.web.templating import render

USUALLY_AHEAD = timedelta(hours=1)

router = APIRouter()


@router.post("/compose/check", dependencies=[READ])
async def check(console: TheConsole, written: Written) -> list[Checked]:
    """What the networks say to a post that is being written; nothing is sent."""
    return checked(written, await console.account_rules.of(written.account_ids))


@router.get("/compose", dependencies=[READ])
async def show_compose(console: TheConsole, request: Request, viewer: TheViewer, at: str = "") -> Response:
    """An empty post, in an hour or at the wall-clock time `at`."""
    accounts = [AccountView.of(row) for row in await console.queries.accounts()]
    ahead = (viewer.now + USUALLY_AHEAD).replace(minute=0, second=0, microsecond=0)
    return render(
        request,
        "compose.html",
        viewer=viewer,
        accounts=[account for account in accounts if account.connected],
        at=at or viewer.field(ahead),
        post_id=f"post-{viewer.now:%Y%m%d}-{token_hex(4)}",
    )
