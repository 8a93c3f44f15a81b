"""The answer to a request that is no valid event, where it can be told whom to answer. No I/O."""

from datetime import datetime

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json

from services.publisher.accounts import unreadable as accounts
from shared.events import Event
from shared.events.requests import PublishResolveRequested, PublishRetryRequested
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
    if type_name in _ABOUT_POSTS:
        return _about_a_post(given, reason)
    return accounts.answer_to_unreadable(type_name, given, reason, now)


def _about_a_post(given: dict[str, JsonValue], reason: str) -> ScheduleRejected | None:
    """The rejection names the account as well, unless that is what cannot be read."""
    told = {"post_id": given.get("post_id"), "code": "invalid", "reason": reason}
    for account in ({"account_id": given.get("account_id")}, {}):
        try:
            return ScheduleRejected.model_validate(told | account)
        except ValidationError:
            continue
    return None
