"""`/workspaces` and `/workspaces/{id}`: what the monitor watches for whom, what it found, and changing it."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.mentions import MentionView
from services.console.api.paging import paged
from services.console.api.workspaces import WorkspaceView, known_workspace
from services.console.read_model.workspaces import cursor_of
from services.console.web.failing import NoSuchPage, place_or_missing
from services.console.web.templating import render
from shared.events.base import Id

ON_A_PAGE = 25
MOST_DIGESTS = 10
MATCHES = (
    ("word", "the text as whole words"),
    ("phrase", "the words in their order"),
    ("substring", "the text anywhere"),
    ("regex", "a regular expression (RE2)"),
)
"""How a keyword is looked for, as people read it."""

router = APIRouter()


@router.get("/workspaces", dependencies=[READ])
async def show_workspaces(
    console: TheConsole, request: Request, after: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Workspaces, and a form for another."""
    rows = await console.queries.workspaces.page(after, ON_A_PAGE + 1)
    page, following = paged(rows, ON_A_PAGE, lambda row: row["workspace_id"])
    return render(
        request,
        "workspaces.html",
        workspaces=[WorkspaceView.of(row) for row in page],
        following=following,
        is_first=not after,
        matches=MATCHES,
    )


@router.get("/workspaces/{workspace_id:path}", dependencies=[READ])
async def show_workspace(
    console: TheConsole, request: Request, workspace_id: Id, cursor: str | None = None
) -> Response:
    """One workspace: its settings, and what was found for it."""
    workspace = await known_workspace(console, workspace_id)
    if workspace is None:
        raise NoSuchPage(f"no workspace {workspace_id!r} is known", "See all workspaces", "/workspaces")
    known, place = console.queries.workspaces, place_or_missing(cursor, f"/workspaces/{quote(workspace_id, safe='')}")
    found = await known.mentions(workspace_id, place, ON_A_PAGE + 1)
    page, following = paged(found, ON_A_PAGE, lambda row: str(cursor_of(row)))
    return render(
        request,
        "workspace.html",
        workspace=workspace,
        matches=MATCHES,
        mentions=[MentionView.of(row) for row in page],
        has_cursor=cursor is not None,
        following=following,
        digests=await known.digests(workspace_id, MOST_DIGESTS),
    )
