"""The audit: who did what, the latest first."""

import json
from datetime import datetime
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.console.access.audit import Wanted, cursor_of
from services.console.api.access import ADMIN
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer
from services.console.api.paging import PageSize, paged, place_in
from shared.events.base import Id, Name

router = APIRouter(tags=["audit"], responses={400: {"model": ErrorAnswer}})


class ObjectView(BaseModel):
    """One thing that an act is about."""

    kind: str
    id: str


class ActView(BaseModel):
    """What somebody did, or was refused."""

    act_id: str
    who: str
    via: str
    address: str
    act: str
    objects: list[ObjectView]
    count: int
    outcome: str
    code: str | None
    request_id: str
    acted_at: datetime

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """The view of a row."""
        objects = [{"kind": kind, "id": id_} for kind, id_ in json.loads(row["objects"])]
        return cls.model_validate({**row, "objects": objects})


class ActPage(BaseModel):
    """A page of acts, the latest first; `next` is the cursor of the following page, if there is one."""

    acts: list[ActView]
    next: str | None


@router.get("/v1/audit", dependencies=[ADMIN])
async def list_acts(
    console: TheConsole,
    *,
    who: Name | None = None,
    act: Name | None = None,
    object: Id | None = None,
    cursor: str | None = None,
    limit: PageSize = 50,
) -> ActPage:
    """Who did what, from where, on which things, and how it ended."""
    rows = await console.audit.listed(Wanted(who, act, object), place_in(cursor), limit + 1)
    page, following = paged(rows, limit, lambda row: str(cursor_of(row)))
    return ActPage(acts=[ActView.of(row) for row in page], next=following)
