"""Access: who may use the API."""

import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.console.api.console import TheConsole
from services.console.api.errors import Refusal

_bearer = HTTPBearer(auto_error=False, description="TIMEBALL_API_TOKEN; in the local mode `timeball up` prints it")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def require_token(console: TheConsole, credentials: Credentials) -> None:
    """Refuse a request without the token."""
    if credentials is None:
        raise Refusal(401, "unauthorized", "send the header `Authorization: Bearer <TIMEBALL_API_TOKEN>`")
    if not hmac.compare_digest(credentials.credentials.encode(), console.token.encode()):
        raise Refusal(401, "unauthorized", "the token is not the console's TIMEBALL_API_TOKEN")
