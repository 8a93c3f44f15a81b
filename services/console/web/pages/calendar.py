"""`/calendar`: posts on the days and hours at which they are due, by month, week or day."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.posts import views_of
from services.console.api.views import PostView
from services.console.domain.posts import CHANGEABLE
from services.console.queries import Filter, Listed
from services.console.web.asked import TheViewer
from services.console.web.days import DAY, VIEWS, Span, begins, change_of_clocks, day_of, span_of
from services.console.web.templating import Viewer, render

SHOWN = {"month": 4, "week": 25, "day": 200}
"""Posts of a day that a view shows; the others are counted."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar with what is due on it."""

    date: date
    posts: list[PostView]
    more: int
    is_today: bool
    is_outside: bool
    clocks: str | None


@router.get("/calendar", dependencies=[READ])
async def show_calendar(
    console: TheConsole, request: Request, viewer: TheViewer, *, view: str = "", date: str = "", account: str = ""
) -> Response:
    """The days around a date, this month unless something else is asked for."""
    span = span_of(view, date, day_of(viewer.now, viewer.zone))
    accounts = [row["account_id"] for row in await console.queries.accounts()]
    return render(
        request,
        "calendar.html",
        viewer=viewer,
        span=span,
        views=VIEWS,
        days=await _days(console, viewer, span, [account] if account else []),
        account=account,
        accounts=accounts,
        changeable=CHANGEABLE,
        zone_asked=request.query_params.get("zone", ""),
    )


async def _days(console: Console, viewer: Viewer, span: Span, account_ids: list[str]) -> list[Day]:
    most, today = SHOWN[span.view], day_of(viewer.now, viewer.zone)
    listed: dict[date, list[Listed]] = {}
    for day in span.days:
        bounds = begins(day, viewer.zone), begins(day + DAY, viewer.zone)
        wanted = Filter(account_ids=account_ids, due_from=bounds[0], due_to=bounds[1], is_ascending=True)
        listed[day] = await console.browsing.page(wanted, None, most)
    full = [day for day in span.days if len(listed[day]) == most]
    counted = await _counted(console, viewer, full, account_ids)
    shown = iter(await views_of(console, [one for day in span.days for one in listed[day]]))
    return [
        Day(
            date=day,
            posts=[next(shown) for _ in listed[day]],
            more=max(counted[day] - most, 0),
            is_today=day == today,
            is_outside=span.is_outside(day),
            clocks=change_of_clocks(day, viewer.zone),
        )
        for day in span.days
    ]


async def _counted(console: Console, viewer: Viewer, days: list[date], account_ids: list[str]) -> Counter[date]:
    """How many posts there are on the days that have more than are shown."""
    counted: Counter[date] = Counter()
    for day in days:
        bounds = begins(day, viewer.zone), begins(day + DAY, viewer.zone)
        counted[day] = await console.browsing.count(
            Filter(account_ids=account_ids, due_from=bounds[0], due_to=bounds[1]), 1_000_000
        )
    return counted
