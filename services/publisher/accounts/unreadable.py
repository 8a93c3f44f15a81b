"""The answer to a request about an account that is no valid event, where it names the account. No I/O."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from pydantic import JsonValue, ValidationError

from services.publisher.platforms.errors import Rejected
from shared.events.publisher import AccountConnectFailed, AccountDisconnectFailed
from shared.events.requests import AccountConnectRequested, AccountDisconnectRequested
from shared.messaging.envelope import Delivery

INVALID = "invalid"
UNKNOWN_PLATFORM = "unknown"
"""Of an account that was never connected: somebody mistyped, or takes back a connection that failed."""


def answer_to_unreadable(
    type_name: str, given: Mapping[str, JsonValue], reason: str, now: datetime
) -> AccountConnectFailed | AccountDisconnectFailed | None:
    """Why the account stays as it is; None where the request names none, or is for something else."""
    error = Rejected(reason, code=INVALID).detail
    told = {"account_id": given.get("account_id"), "error": error, "changed_at": now}
    if type_name == AccountDisconnectRequested.type:
        with suppress(ValidationError):
            return AccountDisconnectFailed.model_validate(told)
    if type_name == AccountConnectRequested.type:
        for platform in (given.get("platform"), UNKNOWN_PLATFORM):
            with suppress(ValidationError):
                return AccountConnectFailed.model_validate(told | {"platform": platform})
    return None


def check_spelling(delivery: Delivery[AccountConnectRequested] | Delivery[AccountDisconnectRequested]) -> None:
    """Raise Rejected for what is nearly a field: a limit that is ignored without a word would be exceeded."""
    if misspelt := delivery.misspelt:
        raise Rejected(misspelt, code=INVALID)
