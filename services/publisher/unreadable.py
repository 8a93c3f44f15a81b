"""The answer to a request that is no valid event, where it can be told whom to answer. No I/O."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from services.publisher.accounts.asked import INVALID
from services.publisher.accounts.credentials import UNKNOWN_PLATFORM
from services.publisher.platforms.errors import Rejected
from shared.events import Event
from shared.events.publisher import AccountConnectFailed, AccountDisconnectFailed
from shared.events.requests import (
    AccountConnectRequested,
    AccountDisconnectRequested,
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import ScheduleRejected

_ABOUT_POSTS = frozenset({PublishRetryRequested.type, PublishResolveRequested.type})


def answer_to_unreadable(type_name: str, body: bytes, reason: str, now: datetime) -> Event | None:
    """Why nothing was done; None where the request does not say what it is about, or nobody waits for an answer."""
    try:
        given = from_json(body)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    for kind, told in _possible_answers(type_name, given, reason, now):
        with suppress(ValidationError):
            return kind.model_validate(told)
    return None


def _possible_answers(
    type_name: str, given: Mapping[str, Any], reason: str, now: datetime
) -> Iterator[tuple[type[Event], Mapping[str, Any]]]:
    """The most exact one first; where what it would name cannot be read, the next one leaves that out."""
    account = {"account_id": given.get("account_id")}
    unchanged = account | {"error": Rejected(reason, code=INVALID).detail, "changed_at": now}
    if type_name in _ABOUT_POSTS:
        post = {"post_id": given.get("post_id"), "code": INVALID, "reason": reason}
        yield ScheduleRejected, post | account
        yield ScheduleRejected, post
    if type_name == AccountDisconnectRequested.type:
        yield AccountDisconnectFailed, unchanged
    if type_name == AccountConnectRequested.type:
        yield AccountConnectFailed, unchanged | {"platform": given.get("platform")}
        yield AccountConnectFailed, unchanged | {"platform": UNKNOWN_PLATFORM}
