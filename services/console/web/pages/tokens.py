"""`/tokens`: who may use the console, since when, and when they did last."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import ADMIN
from services.console.api.console import TheConsole
from services.console.api.tokens import list_tokens
from services.console.web.templating import render

SCOPES = (
    ("read", "looks, and changes nothing"),
    ("write", "also schedules, changes, cancels and retries posts"),
    ("admin", "also connects accounts and manages tokens"),
)

router = APIRouter()


@router.get("/tokens", dependencies=[ADMIN])
async def show_tokens(console: TheConsole, request: Request) -> Response:
    """Every token."""
    listed = await list_tokens(console)
    return render(request, "tokens.html", tokens=listed.tokens, scopes=SCOPES)
