"""Removing workspaces."""

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.access import WRITE
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.api.workspaces import known_workspace
from services.console.requests.sender import any_of
from shared.events.base import Id
from shared.events.monitor import WorkspaceRejected, WorkspaceRemoved
from shared.events.requests import WorkspaceRemoveRequested

router = APIRouter(tags=["workspaces"], responses={404: {"model": ErrorAnswer}, 409: {"model": ErrorAnswer}})


class RemovedView(BaseModel):
    """A workspace that is removed; `pending` while the monitor has not answered."""

    workspace_id: str
    pending: bool


@router.delete("/v1/workspaces/{workspace_id:id}", status_code=202, dependencies=[WRITE])
async def remove_workspace(console: TheConsole, workspace_id: Id) -> RemovedView:
    """Stop watching for a workspace, and delete whom it notifies."""
    if await known_workspace(console, workspace_id) is None:
        raise Refusal(404, "not_found", f"no workspace {workspace_id!r} is known")
    request = WorkspaceRemoveRequested(workspace_id=workspace_id, requested_at=console.clock.now())
    answers = await console.requests.send_and_wait(request, any_of(WorkspaceRemoved, WorkspaceRejected))
    for rejected in answers.of_type(WorkspaceRejected):
        raise Refusal(409, "conflict", rejected.reason, workspace_id=workspace_id)
    return RemovedView(workspace_id=workspace_id, pending=not answers.is_complete)
