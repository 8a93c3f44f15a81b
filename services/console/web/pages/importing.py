"""`/import[/{id}]`: a file of posts, read and reported on before anything is sent, and how far its sending is."""

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.errors import Refusal
from services.console.api.imports import BEFORE_THE_FIRST, list_imports, list_lines, show_import
from services.console.imports.plan import what_becomes_of
from services.console.web.failing import NoSuchPage
from services.console.web.templating import render
from shared.events.patterns import PLACE

ON_A_PAGE = 100
MOST_IMPORTS = 10
ENCODINGS = ("utf-8", "windows-1252", "windows-1250", "windows-1251", "iso-8859-15", "macintosh", "utf-16")
"""What spreadsheets and editors write, to choose from if the guess is wrong."""

router = APIRouter()


@router.get("/import", dependencies=[READ])
async def show_imports(console: TheConsole, request: Request) -> Response:
    """Where a file is chosen, dropped or pasted, and the latest imports."""
    latest = (await list_imports(console, MOST_IMPORTS)).imports
    return render(request, "import.html", imports=latest, encodings=ENCODINGS)


@router.get("/import/{run_id}", dependencies=[READ])
async def show_one_import(
    console: TheConsole, request: Request, run_id: str, after: str = BEFORE_THE_FIRST
) -> Response:
    """One file: what it holds, how far it is, and its lines to look at."""
    try:
        run = await show_import(console, run_id)
        page = await list_lines(console, run_id, after=_place(after), limit=ON_A_PAGE)
    except Refusal as refusal:
        raise NoSuchPage(refusal.problem.detail, "Import a file", "/import") from refusal
    return render(request, "import_run.html", run=run, page=page, what_becomes_of=what_becomes_of)


def _place(after: str) -> str:
    return after if re.search(PLACE, after) else BEFORE_THE_FIRST
