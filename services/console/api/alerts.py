"""Alerts: what should not be, and what should not have been."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer
from services.console.api.paging import PageSize, paged, place_in
from services.console.read_model.alerts import Alert

State = Literal["raised", "resolved"]

router = APIRouter(tags=["alerts"], responses={400: {"model": ErrorAnswer}})


class AlertView(BaseModel):
    """Something that should not be (`raised`), or that is over (`resolved`).

    `told_at` is when it was last said to be so; null where only its end was heard. `resolved_at` is null while it is
    so, and where nobody told of its end: maintenance has not told of it for two days, or of another one since.
    """

    code: str
    subject: str
    severity: str
    message: str
    state: State
    since: datetime
    told_at: datetime | None
    resolved_at: datetime | None

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """The view of an alert."""
        told = {name: getattr(alert, name) for name in cls.model_fields if name != "state"}
        return cls(**told, state="raised" if alert.is_open else "resolved")


class AlertPage(BaseModel):
    """A page of alerts, the latest first; `next` is the cursor of the following page, if there is one."""

    alerts: list[AlertView]
    next: str | None


@router.get("/v1/alerts", dependencies=[READ])
async def list_alerts(
    console: TheConsole,
    *,
    state: Annotated[State | None, Query(description="Only what is so, or only what is over.")] = None,
    cursor: str | None = None,
    limit: PageSize = 50,
) -> AlertPage:
    """What maintenance warns of, and what it has warned of as long as finished posts are kept."""
    found = await console.queries.alerts.listed(state, place_in(cursor), limit + 1, console.clock.now())
    page, following = paged(found, limit, lambda alert: str(alert.cursor))
    return AlertPage(alerts=[AlertView.of(alert) for alert in page], next=following)
