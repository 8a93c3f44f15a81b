"""`/queues`: what could not be handled and why; replay it or drop it."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.dead_letters import list_dead_letters
from services.console.web.templating import render

ON_A_PAGE = 25

router = APIRouter()


@router.get("/queues", dependencies=[READ])
async def show_queues(console: TheConsole, request: Request, cursor: str | None = None) -> Response:
    """What rests in every service, the latest first."""
    page = await list_dead_letters(console, service=[], post_id=None, cursor=cursor, limit=ON_A_PAGE)
    return render(request, "queues.html", page=page, has_cursor=cursor is not None)
