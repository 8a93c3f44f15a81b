"""Templates: every page is drawn on the server; what comes from outside is escaped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from services.console.access.actors import Actor, Scope
from services.console.api.console import TheConsole
from services.console.api.views import PostView
from services.console.domain.posts import COMING
from services.console.shown_times import on_clock
from services.console.web import alerting, words
from services.console.web.permitting import Permits
from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.progress import OVERDUE_AFTER, State

ZONE_COOKIE = "timeball_zone"
NAVIGATION = (
    ("/", "Now"),
    ("/calendar", "Calendar"),
    ("/posts", "Posts"),
    ("/accounts", "Accounts"),
    ("/workspaces", "Workspaces"),
    ("/statistics", "Statistics"),
    ("/timers", "Timers"),
    ("/queues", "Queues"),
)
_WITHIN = {"/bulk": "/posts", "/import": "/posts", "/connect": "/accounts", "/alerts": "/"}
"""Pages that belong to one of these, though their addresses do not begin with its."""

_environment = Environment(
    loader=PackageLoader("services.console.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["segment"] = lambda identity: quote(identity, safe="")
_environment.filters["query"] = lambda parameters: urlencode(parameters, doseq=True)
_environment.globals |= {"alerting": alerting, "words": words}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page: when, and in which zone."""

    now: datetime
    zone: ZoneInfo

    def local(self, instant: datetime) -> datetime:
        """The instant on the viewer's clock."""
        return on_clock(instant, self.zone)

    def clock(self, instant: datetime) -> str:
        """`Fri 28 Nov, 14:03:07`, without the day where it is today."""
        local, today = self.local(instant), self.local(self.now)
        time = local.strftime("%H:%M:%S")
        if self.is_today(instant):
            return time
        year = "" if local.year == today.year else f" {local.year}"
        return f"{local:%a} {local.day} {local:%b}{year}, {time}"

    def is_today(self, instant: datetime) -> bool:
        """Whether it is on the viewer's present day."""
        return self.local(instant).date() == self.local(self.now).date()

    def in_full(self, instant: datetime) -> str:
        """`in 3 minutes, Monday 09:00 Europe/Berlin`; further away than a week with its date."""
        local, is_near = self.local(instant), abs(instant - self.now) < timedelta(days=6)
        day = f"{local:%A}" if is_near else f"{local:%A} {local.day} {local:%B %Y}"
        return f"{words.in_words(instant - self.now)}, {day} {self.time(instant)} {self.zone.key}"

    def time(self, instant: datetime | None) -> str:
        """`14:03`, with seconds where there are any."""
        if instant is None:
            return ""
        local = self.local(instant)
        return local.strftime("%H:%M:%S" if local.second else "%H:%M")

    def exact(self, instant: datetime) -> str:
        """The instant to the millisecond, with its zone."""
        local = self.local(instant)
        return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local:%Z}"

    def in_zone(self, instant: datetime, zone: ZoneInfo) -> str:
        """`Mon 29 Mar 2027, 09:00 CEST (UTC+02:00)`, with seconds where there are any."""
        local = on_clock(instant, zone)
        offset = f"{local:%z}"
        time = local.strftime("%H:%M:%S" if local.second else "%H:%M")
        return f"{local:%a} {local.day} {local:%b} {local.year}, {time} {local:%Z} (UTC{offset[:3]}:{offset[3:5]})"

    def field(self, instant: datetime) -> str:
        """The instant as the value of an input of type datetime-local."""
        return self.local(instant).strftime("%Y-%m-%dT%H:%M:%S")

    def is_overdue(self, post: PostView) -> bool:
        """Whether it should have been out for a while, and nobody has said that it waits."""
        if post.state not in COMING:
            return False
        expected_at = post.next_attempt_at if post.state is State.RETRYING else post.publish_at
        return expected_at is not None and self.now - expected_at > OVERDUE_AFTER

    def away(self, instant: datetime) -> str:
        """`in 3 min`, `2 h ago`"""
        return words.away(instant - self.now)


def viewer_of(request: Request, now: datetime) -> Viewer:
    """The viewer, in the zone asked for, else in the browser's, else in UTC."""
    wanted = request.query_params.get("zone") or unquote(request.cookies.get(ZONE_COOKIE, ""))
    try:
        return Viewer(now, zone_named(wanted))
    except UnknownZone:
        return Viewer(now, ZoneInfo("UTC"))


async def _viewer(console: TheConsole, request: Request) -> Viewer:
    return viewer_of(request, console.clock.now())


TheViewer = Annotated[Viewer, Depends(_viewer)]
"""A page's parameter that is given who looks at it."""


def section_of(path: str) -> str:
    """The page of the navigation to which an address belongs."""
    first = f"/{path.split('/')[1]}"
    return _WITHIN.get(first, first)


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page that is drawn from a template."""
    now = request.app.state.console.clock.now()
    viewer: Viewer = values.pop("viewer", None) or viewer_of(request, now)
    has_zone = ZONE_COOKIE in request.cookies or "zone" in request.query_params
    actor: Actor | None = getattr(request.state, "actor", None)
    may_write = actor is not None and actor.scope.includes(Scope.WRITE)
    page = {"navigation": NAVIGATION, "here": section_of(request.url.path), "actor": actor, "may_write": may_write}
    told: Mapping[str, Any] = page | {"viewer": viewer} | values
    html = _environment.get_template(template).render(told, has_zone=has_zone, utc=UTC)
    permits: Permits = request.app.state.permits
    return HTMLResponse(permits.drawn_for(actor, html), status, headers={"Cache-Control": "no-store"})
