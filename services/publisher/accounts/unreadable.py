"""The answer to a request for a connection that is no valid event, where it can be told whom to answer. No I/O."""

from contextlib import suppress
from datetime import datetime

from pydantic import ValidationError
from pydantic_core import from_json

from services.publisher.platforms.errors import Rejected
from shared.events.near_misses import near_misses
from shared.events.publisher import AccountConnectFailed
from shared.events.requests import AccountConnectRequested
from shared.messaging.envelope import Delivery

INVALID = "invalid"
UNKNOWN_PLATFORM = "unknown"
"""Of an account that was never connected: somebody mistyped, or takes back a connection that failed."""
MOST_MISSPELT = 3


def answer_to_unreadable(type_name: str, body: bytes, reason: str, now: datetime) -> AccountConnectFailed | None:
    """Why the account is not connected; None where the request names none, or is for something else."""
    if type_name != AccountConnectRequested.type:
        return None
    try:
        given = from_json(body)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    error = Rejected(reason, code=INVALID).detail
    for platform in (given.get("platform"), UNKNOWN_PLATFORM):
        with suppress(ValidationError):
            return AccountConnectFailed(
                account_id=given.get("account_id"),  # type: ignore[arg-type]
                platform=platform,  # type: ignore[arg-type]
                error=error,
                changed_at=now,
            )
    return None


def check_spelling(delivery: Delivery[AccountConnectRequested]) -> None:
    """Raise Rejected for what is nearly a field: a limit that is ignored without a word would be exceeded."""
    misspelt = near_misses(from_json(delivery.body), AccountConnectRequested) if delivery.body else []
    if misspelt:
        raise Rejected("; ".join(misspelt[:MOST_MISSPELT]), code=INVALID)
