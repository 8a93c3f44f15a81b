"""Who asks for a page: signed in, or sent to the page where one signs in."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from services.console.api.access import require_ours, scope_needed, session_secret
from services.console.api.console import TheConsole
from services.console.cursor import BadCursor, Cursor
from services.console.web.templating import Viewer, viewer_of


class SignInNeeded(Exception):
    """Nobody is signed in; afterwards the page at `then` is shown."""

    def __init__(self, then: str) -> None:
        super().__init__(then)
        self.then = then

    @property
    def address(self) -> str:
        """The page where one signs in."""
        return "/sign-in" if self.then == "/" else f"/sign-in?then={quote(self.then)}"


class NoSuchPage(Exception):
    """There is nothing to show: what was looked for, and where to go instead."""

    status = 404
    title = "Not found"
    rest = "Nothing is lost: what has been deleted after its retention is not shown any more."

    def __init__(self, what: str, way_out: str, link: str) -> None:
        super().__init__(what)
        self.what = what
        self.way_out = way_out
        self.link = link


class NotAllowed(NoSuchPage):
    """Who is signed in may not see this page."""

    status = 403
    title = "Not for this token"
    rest = "Sign out, and in again with a token that has it."


def place_or_missing(cursor: str | None, beginning: str) -> Cursor | None:
    """Where a page of a list begins, by the cursor of the one before."""
    try:
        return Cursor.read(cursor) if cursor else None
    except BadCursor as error:
        raise NoSuchPage("this page of the list cannot be found", "Start at the beginning", beginning) from error


async def require_session(console: TheConsole, request: Request) -> None:
    """Send whoever is not signed in to where one signs in, and refuse what the session's scope is too small for."""
    actor = await console.sessions.who(session_secret(request))
    if actor is None:
        path, query = request.scope["raw_path"].decode("latin-1"), request.url.query
        raise SignInNeeded(f"{path}?{query}" if query else path)
    request.state.actor = actor
    require_ours(request)
    needed = scope_needed(request.scope["route"])
    if needed and not actor.scope.includes(needed):
        reason = f"this page needs a token with the scope {needed}; {actor.name} has {actor.scope}"
        raise NotAllowed(reason, "Go to Now", "/")
    given = (value for _, value in request.query_params.multi_items())
    if any("\x00" in part for part in (request.scope["path"], *given)):
        raise NoSuchPage("no address leads to the character U+0000", "Go to Now", "/")  # which no database stores


async def _viewer(console: TheConsole, request: Request) -> Viewer:
    return viewer_of(request, console.clock.now())


TheViewer = Annotated[Viewer, Depends(_viewer)]
