"""`/calendar`: posts on the days and hours at which they are due, by month, week or day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2s
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.posts import views_of
from services.console.api.views import PostView
from services.console.domain.posts import CHANGEABLE
from services.console.read_model.due_spans import Company, DueSpans, Place, Span
from services.console.read_model.listing import Listed
from services.console.read_model.rows import takes_posts
from services.console.web import days
from services.console.web.days import DAY, VIEWS, begins, change_of_clocks, day_of, span_of
from services.console.web.hours import HOURS, Hour, hours_of, most_of_each, side_by_side
from services.console.web.marks import explained, marks_on
from services.console.web.networks import by_network
from services.console.web.templating import TheViewer, Viewer, render

MOST_OF_A_DAY = 4
"""Posts that a month shows of a day; the others are counted."""
MOST_TOGETHER = {"week": 168, "day": 110}
"""Posts that a view by the hour shows, fairly shared by its hours: a page is to stay small."""
MOST_OF_AN_HOUR = {"week": 30, "day": 110}
"""Of a burst a week shows no more: the hours beside it would be screens apart."""
LETTERS = {"month": 28, "week": 20, "day": 90}
"""Letters of its text that an entry shows."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Entry:
    """A post in the calendar."""

    post: PostView
    key: str
    marks: Sequence[str]
    is_movable: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What is due in a day or an hour: the first of it, those of one minute together, and how many more."""

    entries: Sequence[Sequence[Entry]]
    more: int
    hour: Hour | None = None

    def is_free(self, now: datetime) -> bool:
        """Whether a post may still be planned for the beginning of this hour."""
        return self.hour is not None and self.hour.begins > now and bool(self.hour.length)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar with what is due on it."""

    date: date
    cells: Sequence[Cell]
    is_today: bool
    is_outside: bool
    clocks: str | None

    @property
    def is_empty(self) -> bool:
        return not any(cell.entries for cell in self.cells)


def opening_hour(days: Sequence[Day], present: int) -> int | None:
    """The hour to be looked at first: the present one, else the first in which something is due."""
    if any(day.is_today for day in days):
        return present
    due = (hour for day in days for hour, cell in enumerate(day.cells) if cell.entries)
    return min(due, default=None)


@router.get("/calendar", dependencies=[READ])
async def show_calendar(
    console: TheConsole, request: Request, viewer: TheViewer, *, view: str = "", date: str = "", account: str = ""
) -> Response:
    """The days around a date: on a phone one, else this month, unless something else is asked for."""
    span = span_of(view or _usual_view(request), date, day_of(viewer.now, viewer.zone))
    accounts = await console.queries.accounts()
    shown = _Shown(console, viewer, account, {row["account_id"]: takes_posts(row) for row in accounts})
    listed = await shown.by_day(span) if span.view == "month" else await shown.by_hour(span)
    used = {mark for entry in _entries(listed) for mark in entry.marks}
    return render(
        request,
        "calendar.html" if span.view == "month" else "calendar_hours.html",
        viewer=viewer,
        span=span,
        views=VIEWS,
        days=listed,
        hours=HOURS,
        opens_at=None if span.view == "month" else opening_hour(listed, viewer.local(viewer.now).hour),
        letters=LETTERS[span.view],
        marks=explained(used),
        account=account,
        accounts=by_network((row["account_id"], row["platform"]) for row in accounts),
        zone_asked=request.query_params.get("zone", ""),
    )


def _usual_view(request: Request) -> str:
    """Browsers on phones say so in this word."""
    return "day" if "Mobi" in request.headers.get("user-agent", "") else "month"


def _entries(listed: Sequence[Day]) -> Iterator[Entry]:
    for day in listed:
        for cell in day.cells:
            for together in cell.entries:
                yield from together


@dataclass(frozen=True)
class _Shown:
    """The days of a calendar as this viewer sees them."""

    console: Console
    viewer: Viewer
    account: str
    is_connected: Mapping[str, bool]

    async def by_day(self, span: days.Span) -> list[Day]:
        """Each day in one cell; of today what comes next, and not what is long out."""
        spans = [self._bounds(day) for day in span.days]
        counts = await self._due.counts(spans, self.account)
        cells = iter(await self._cells(counts, await self._next_of(spans)))
        return [self._day(span, day, [next(cells)]) for day in span.days]

    async def by_hour(self, span: days.Span) -> list[Day]:
        """Each hour in a cell."""
        hours = [hour for day in span.days for hour in hours_of(day, self.viewer.zone)]
        bounds = [(hour.begins, hour.ends) for hour in hours]
        counts = await self._due.counts(bounds, self.account)
        most = min(most_of_each(counts, MOST_TOGETHER[span.view]), MOST_OF_AN_HOUR[span.view])
        cells = await self._cells(counts, await self._due.first(bounds, self.account, most), hours)
        return [
            self._day(span, day, cells[number * len(HOURS) : (number + 1) * len(HOURS)])
            for number, day in enumerate(span.days)
        ]

    @property
    def _due(self) -> DueSpans:
        return self.console.queries.due_spans

    async def _next_of(self, spans: Sequence[Span]) -> list[list[Listed]]:
        """The first of each day; of today the first to come, or its last where fewer are to come than are shown."""
        listed = await self._due.first([self._from_now_on(span) for span in spans], self.account, MOST_OF_A_DAY)
        for position, span in enumerate(spans):
            if self._from_now_on(span) != span and len(listed[position]) < MOST_OF_A_DAY:
                (listed[position],) = await self._due.last([span], self.account, MOST_OF_A_DAY)
        return listed

    def _from_now_on(self, span: Span) -> Span:
        since, until = span
        return (max(since, self.viewer.now), until) if self.viewer.now < until else span

    def _bounds(self, day: date) -> Span:
        return begins(day, self.viewer.zone), begins(day + DAY, self.viewer.zone)

    def _day(self, span: days.Span, day: date, cells: Sequence[Cell]) -> Day:
        is_today = day == day_of(self.viewer.now, self.viewer.zone)
        return Day(day, cells, is_today, span.is_outside(day), change_of_clocks(day, self.viewer.zone))

    async def _cells(
        self, counts: Sequence[int], listed: Sequence[Sequence[Listed]], hours: Sequence[Hour] = ()
    ) -> list[Cell]:
        """One cell for each span of which so many are due, and these are shown."""
        entries = iter(await self._entries([one for of_span in listed for one in of_span]))
        return [
            Cell(
                side_by_side([(one.due_at, next(entries)) for one in of_span]),
                max(0, count - len(of_span)),  # something may have come between counting and listing
                hours[position] if hours else None,
            )
            for position, (of_span, count) in enumerate(zip(listed, counts, strict=True))
        ]

    async def _entries(self, listed: Sequence[Listed]) -> list[Entry]:
        places = [Place(one.post.post_id, one.post.account_id, one.due_at) for one in listed]
        views = await views_of(self.console, listed)
        return list(map(self._entry, views, await self._due.company(places)))

    def _entry(self, post: PostView, company: Company) -> Entry:
        marks = marks_on(post.state, company, is_connected=self.is_connected.get(post.account_id, True))
        is_movable = post.state in CHANGEABLE and post.publish_at is not None
        return Entry(post, _key(post), tuple(marks), is_movable)


def _key(post: PostView) -> str:
    """A short name of the entry, by which its place on the page is found again."""
    identity: Any = f"{post.post_id} {post.account_id}".encode()
    return blake2s(identity, digest_size=4).hexdigest()
