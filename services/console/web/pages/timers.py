"""`/timers`: when each timer ticks, and ticked last."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.web.templating import render

router = APIRouter()


@router.get("/timers", dependencies=[READ])
async def show_timers(console: TheConsole, request: Request) -> Response:
    """Every timer."""
    return render(request, "timers.html", timers=await console.queries.timers.known())
