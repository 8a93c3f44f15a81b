"""Who asks for a page: signed in, or sent to the page where one signs in."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from services.console.api.console import TheConsole
from services.console.sessions import COOKIE
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

    def __init__(self, what: str, way_out: str, link: str) -> None:
        super().__init__(what)
        self.what = what
        self.way_out = way_out
        self.link = link


async def require_session(console: TheConsole, request: Request) -> None:
    """Send whoever is not signed in to where one signs in."""
    if not await console.sessions.is_open(request.cookies.get(COOKIE)):
        query = f"?{request.url.query}" if request.url.query else ""
        raise SignInNeeded(request.url.path + query)


def _viewer(console: TheConsole, request: Request) -> Viewer:
    return viewer_of(request, console.clock.now())


TheViewer = Annotated[Viewer, Depends(_viewer)]
