"""Access: who may use the API: who has the token, and a browser that is signed in."""

import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.console.api.console import Console, TheConsole
from services.console.api.errors import Refusal
from services.console.sessions import COOKIE, is_ours

_bearer = HTTPBearer(auto_error=False, description="TIMEBALL_API_TOKEN; in the local mode `timeball up` prints it")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def require_token(console: TheConsole, request: Request, credentials: Credentials) -> None:
    """Refuse a request without the token or a session."""
    if credentials is None:
        await _require_session(console, request)
    elif not hmac.compare_digest(credentials.credentials.encode(), console.token.encode()):
        raise Refusal(401, "unauthorized", "the token is not the console's TIMEBALL_API_TOKEN")


async def _require_session(console: Console, request: Request) -> None:
    secret = request.cookies.get(COOKIE)
    if secret is None:
        raise Refusal(401, "unauthorized", "send the header `Authorization: Bearer <TIMEBALL_API_TOKEN>`")
    if not await console.sessions.is_open(secret):
        raise Refusal(401, "signed_out", "you are signed out; sign in again at /sign-in, nothing was changed")
    if not is_ours(request.method, request.headers.get("host", ""), request.headers):
        raise Refusal(403, "foreign_request", "this request comes from another page; open the console and try again")
