"""Who asks for a page: signed in, or sent to the page where one signs in."""

from urllib.parse import quote

from fastapi import Request

from services.console.api.access import require_ours, scope_needed, session_secret
from services.console.api.console import TheConsole
from services.console.web.failing import NoSuchPage, NotAllowed


class SignInNeeded(Exception):
    """Nobody is signed in; afterwards the page at `then` is shown."""

    def __init__(self, then: str) -> None:
        super().__init__(then)
        self.then = then

    @property
    def address(self) -> str:
        """The page where one signs in."""
        return "/sign-in" if self.then == "/" else f"/sign-in?then={quote(self.then)}"


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
