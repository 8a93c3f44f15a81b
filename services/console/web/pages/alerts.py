"""`/alerts`: what maintenance warns of, and then what it has warned of, the latest first."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.alerts import State, list_alerts
from services.console.api.console import TheConsole
from services.console.web.templating import render

ON_A_PAGE = 25
STATES: tuple[State, ...] = ("raised", "resolved")

router = APIRouter()


@router.get("/alerts", dependencies=[READ])
async def show_alerts(
    console: TheConsole, request: Request, *, state: State | None = None, cursor: str | None = None
) -> Response:
    """The first of what is so and of what is over, or a page of one of them."""
    shown, place = ((state,), cursor) if state else (STATES, None)
    lists = {one: await list_alerts(console, state=one, cursor=place, limit=ON_A_PAGE) for one in shown}
    return render(request, "alerts.html", lists=lists, state=state)
