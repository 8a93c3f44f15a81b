"""The answer to a request for a workspace that is no valid event, where it can be told whom to answer. No I/O."""

from pydantic import ValidationError
from pydantic_core import from_json

from shared.events.monitor import WorkspaceRejected
from shared.events.requests import WorkspaceConfigured, WorkspaceRemoveRequested

_ABOUT_WORKSPACES = frozenset({WorkspaceConfigured.type, WorkspaceRemoveRequested.type})


def answer_to_unreadable(type_name: str, body: bytes, reason: str) -> WorkspaceRejected | None:
    """The rejection of a workspace that names itself; None for anything else."""
    if type_name not in _ABOUT_WORKSPACES:
        return None
    try:
        given = from_json(body)
        return WorkspaceRejected(workspace_id=given.get("workspace_id"), reason=reason)
    except (ValueError, AttributeError, ValidationError):
        return None
