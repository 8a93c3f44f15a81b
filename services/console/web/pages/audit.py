"""`/audit?who=&act=&object=`: who did what, the latest first."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.api.access import ADMIN
from services.console.api.audit import list_acts
from services.console.api.console import TheConsole
from services.console.web.templating import render

ON_A_PAGE = 50
MEANINGS = {"done": "good", "pending": "wait", "refused": "wait", "failed": "bad"}

Given = Annotated[str, Query(max_length=200)]

router = APIRouter()


@router.get("/audit", dependencies=[ADMIN])
async def show_audit(
    console: TheConsole, request: Request, *, who: Given = "", act: Given = "", object: Given = "", cursor: Given = ""
) -> Response:
    """Acts that are wanted, and what is asked for."""
    asked = {"who": who.strip(), "act": act.strip().replace(" ", "_"), "object": object.strip()}
    wanted = {name: value for name, value in asked.items() if value}
    page = await list_acts(console, **wanted, cursor=cursor or None, limit=ON_A_PAGE)
    return render(request, "audit.html", page=page, asked=asked, wanted=wanted, cursor=cursor, meanings=MEANINGS)
