"""Mentions: what was found for workspaces."""

from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel
from pydantic_core import from_json
from sqlalchemy import RowMapping

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer
from services.console.api.paging import PageSize, paged, place_in
from services.console.read_model.workspaces import cursor_of
from shared.events.base import Id

router = APIRouter(tags=["workspaces"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}})


class MentionView(BaseModel):
    """A post or comment in which a workspace's keywords were found."""

    workspace_id: str
    item_id: str
    subreddit: str
    kind: str
    title: str
    url: str
    author: str
    keywords: list[str]
    created_at: datetime

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """The view of a row."""
        return cls.model_validate({**row, "keywords": from_json(row["keywords"])})


class MentionPage(BaseModel):
    """A page of mentions; `next` is the cursor of the following page, if there is one."""

    mentions: list[MentionView]
    next: str | None


@router.get("/v1/mentions", dependencies=[READ])
async def list_mentions(
    console: TheConsole,
    *,
    workspace_id: Id | None = None,
    cursor: str | None = None,
    limit: PageSize = 50,
) -> MentionPage:
    """What was found, the latest first."""
    rows = await console.queries.workspaces.mentions(workspace_id, place_in(cursor), limit + 1)
    page, following = paged(rows, limit, lambda row: str(cursor_of(row)))
    return MentionPage(mentions=[MentionView.of(row) for row in page], next=following)
